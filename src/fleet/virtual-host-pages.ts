// Encoded virtual hosts, and pages of them: those of one port and namespace in one piece, spelled as clients of that
// namespace call them and as all others do. A port's table is then a few dozen pieces that most clients share.

import type { Graph } from "../graph/graph.ts";
import type { Row, Table } from "../graph/table.ts";
import { MESH_SCOPE } from "../view/client-scope.ts";
import type { RouteInputs } from "../view/route-inputs.ts";
import { type Scoped, splitLayerKey } from "../view/scoped-rows.ts";
import type { Source } from "../view/source.ts";
import type { Views } from "../view/views.ts";
import type { HostNames } from "../view/virtual-host-names.ts";
import type { SidecarVirtualHost } from "../view/virtual-hosts.ts";
import type { ResourceReference } from "../xds/resource.ts";
import type { ResourcePart } from "./built-resource.ts";
import { virtualHostBody, virtualHostsFragment } from "./route-fragments.ts";
import { isPort, pageKey, pageOf, type SettledNames, spelledPageKey } from "./settled-names.ts";

/** By the keys of the virtual hosts' rows: all of a virtual host but its domains. */
export type VirtualHostBodies = Table<ResourcePart>;

export function declareVirtualHostBodies(graph: Graph, views: Views): VirtualHostBodies {
  return graph.derive<Scoped<SidecarVirtualHost>, ResourcePart>({
    name: "virtual host bodies",
    from: views.virtualHosts.table,
    equal: equalParts,
    rows: (key, row) => {
      if (row.kind === "absent") return [];
      const { routes } = row.inputs;
      const fragment = virtualHostBody(row.inputs);
      return [[key, { fragment, needs: clustersOf(routes), source: sourcesOf(routes) }]];
    },
  });
}

/** By `spelledPageKey`, each page in every spelling that a client may need. */
export function declareVirtualHostPages(
  graph: Graph,
  bodies: VirtualHostBodies,
  names: SettledNames,
): Table<ResourcePart> {
  const byPage = graph.index(names.ofHosts, "virtual hosts by page", (host, key) => {
    const isOnPage = splitLayerKey(key).layer === MESH_SCOPE.id && isPort(host.routeName);
    return isOnPage ? [pageKey(host.routeName, pageOf(host))] : [];
  });
  return graph.derive<readonly Row<HostNames>[], ResourcePart>({
    name: "virtual host pages",
    from: graph.group("virtual hosts of pages", byPage),
    equal: equalParts,
    rows: (page, hosts, read) => {
      const members = hosts.flatMap(([key, host]) => {
        const body = read.get(bodies, key);
        return body === undefined ? [] : [{ body, host }];
      });
      const needs = members.flatMap(({ body }) => body.needs);
      const source = members.flatMap(({ body }) => body.source);
      const spellings = read
        .one(names.families)
        .flatMap((families) => [`near ${families}`, `far ${families}`] as const);
      return spellings.map((spelling) => {
        const fragment = virtualHostsFragment(
          members.map(({ body, host }) => ({ body: body.fragment, domains: host.domains[spelling] ?? [] })),
        );
        return [spelledPageKey(page, spelling), { fragment, needs, source }] as const;
      });
    },
  });
}

/** What a part needs and comes from stands in its bytes. */
function equalParts(a: ResourcePart, b: ResourcePart): boolean {
  return a.fragment.hash === b.fragment.hash;
}

export function clustersOf(routes: readonly RouteInputs[]): readonly ResourceReference[] {
  const names = routes.flatMap(({ destinations, mirrors }) =>
    [...destinations, ...mirrors].map(({ cluster }) => cluster),
  );
  return [...new Set(names)].map((name) => ({ type: "cluster", name }));
}

export function sourcesOf(routes: readonly RouteInputs[]): Source {
  return routes.flatMap(({ source }) => source);
}
