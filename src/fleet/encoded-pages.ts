// Virtual hosts encoded once for all clients, and their pages, spelled as clients of the page's namespace call them and
// as all others do. A port's table is then a few dozen pieces that most clients share.

import {
  type BuiltFragment,
  haveEqualHashes,
  joinParts,
  partOf,
  type ResourcePart,
} from "../envoy/fragment.ts";
import { virtualHostBody, virtualHostsFragment } from "../envoy/route/route-fragments.ts";
import type { Graph } from "../graph/graph.ts";
import type { Row, Table } from "../graph/table.ts";
import type { Scoped } from "../view/scoped-rows.ts";
import { asPageKey, type SettledNames, spelledPageKey } from "../view/settled-names.ts";
import type { SidecarVirtualHost } from "../view/sidecar-virtual-host.ts";
import type { Views } from "../view/views.ts";
import type { Spelling } from "../view/virtual-host-names.ts";
import { declarePageSections, type PageSection } from "../view/virtual-host-pages.ts";

/** By the keys of the virtual hosts' rows: all of a virtual host but its domains. */
export type VirtualHostBodies = Table<BuiltFragment>;

export function declareVirtualHostBodies(graph: Graph, views: Views): VirtualHostBodies {
  return graph.derive<Scoped<SidecarVirtualHost>, BuiltFragment>({
    name: "virtual host bodies",
    from: views.virtualHosts.table,
    // What it needs and comes from is said in its bytes.
    equal: (a, b) => a.fragment.hash === b.fragment.hash,
    rows: (key, row) => {
      if (row.kind === "absent") return [];
      return [[key, virtualHostBody(row.inputs)]];
    },
  });
}

interface SpelledSection {
  readonly page: string;
  readonly spelling: Spelling;
  readonly part: ResourcePart;
}

/** By `spelledPageKey`, each page in every spelling that a client may need. */
export function declareVirtualHostPages(
  graph: Graph,
  bodies: VirtualHostBodies,
  names: SettledNames,
): Table<ResourcePart> {
  const sections = declarePageSections(graph, names);
  const spelledSections = graph.derive<PageSection, SpelledSection>({
    name: "spelled sections of virtual host pages",
    from: sections,
    equal: (a, b) => haveEqualHashes(a.part, b.part),
    *rows(key, { page, hosts }, read) {
      const members = hosts.flatMap(([row, host]) => {
        const body = read.get(bodies, row);
        return body === undefined ? [] : [{ body, host }];
      });
      const needs = members.flatMap(({ body }) => body.needs);
      const provenance = members.flatMap(({ body }) => body.provenance);
      for (const families of read.one(names.families)) {
        for (const spelling of [`near ${families}`, `far ${families}`] as const) {
          const fragment = virtualHostsFragment(
            members.map(({ body, host }) => ({ body: body.fragment, domains: host.domains[spelling] ?? [] })),
          );
          const part = partOf({ fragment, needs, provenance });
          yield [`${key} ${spelling}`, { page, spelling, part }];
        }
      }
    },
  });
  const byOwnPage = graph.index(spelledSections, "spelled sections by page", ({ page, spelling }) => [
    spelledPageKey(asPageKey(page), spelling),
  ]);
  return graph.derive<readonly Row<SpelledSection>[], ResourcePart>({
    name: "virtual host pages",
    from: graph.group("spelled sections of pages", byOwnPage),
    equal: haveEqualHashes,
    rows: (key, parts) => [[key, joinParts(parts.map(([, { part }]) => part))]],
  });
}
