// Which domains each virtual host of a route configuration has, for each client scope: no domain may stand twice in
// one configuration. Depends on names alone, so that a change of routes leaves it as it is.

import type { Graph } from "../graph/graph.ts";
import type { Row, Table } from "../graph/table.ts";
import type { ClientScope } from "../view/client-scope.ts";
import { settleDomains } from "../view/route-table.ts";
import { layerKey, type Scoped, splitLayerKey } from "../view/scoped-rows.ts";
import type { Views } from "../view/views.ts";
import { type HostNames, hostNames } from "../view/virtual-host-names.ts";
import type { SidecarVirtualHost } from "../view/virtual-hosts.ts";

/** Names of virtual hosts, as their rows have them within a layer, with the domains left to each. */
export type Settled = readonly (readonly [string, readonly string[]])[];

export interface SettledNames {
  /** One row for each client scope and port that has HTTP. */
  readonly scopePorts: Table<{ readonly scope: string; readonly port: string }>;
  /** By the keys of `scopePorts`. */
  readonly ofPorts: Table<Settled>;
  /** By layer and route configuration, for those of a single service. */
  readonly ofServices: Table<Settled>;
}

const ANY = "any";

export function declareSettledNames(graph: Graph, views: Views): SettledNames {
  const hosts = graph.derive<Scoped<SidecarVirtualHost>, HostNames>({
    name: "virtual host names",
    from: views.virtualHosts.table,
    rows: (key, row, read) => [[key, hostNames(key, row, read.one(views.model.settings).clusterDomain)]],
  });
  const groups = graph.group(
    "virtual host names of route configurations",
    graph.index(hosts, "virtual host names by route configuration", ({ routeName }, key) => [
      layerKey(splitLayerKey(key).layer, routeName),
    ]),
  );
  const scopePorts = declareScopePorts(graph, views, groups);
  const ofPorts = graph.derive<{ readonly scope: string; readonly port: string }, Settled>({
    name: "settled names of port routes",
    from: scopePorts,
    rows: (key, { scope, port }, read) => {
      const merged = new Map<string, HostNames>();
      for (const layer of ["", scope]) {
        for (const [row, names] of read.get(groups, layerKey(layer, port)) ?? [])
          merged.set(splitLayerKey(row).name, names);
      }
      const namespace = read.get(views.scopes.table, scope)?.namespace ?? "";
      return [[key, settle(merged, namespace)]];
    },
  });
  const ofServices = graph.derive<readonly Row<HostNames>[], Settled>({
    name: "settled names of service routes",
    from: groups,
    rows: (key, rows) => {
      if (isPort(splitLayerKey(key).name)) return [];
      const present = rows.filter(([, { isPresent }]) => isPresent);
      return [[key, present.map(([row, { near }]) => [splitLayerKey(row).name, near] as const)]];
    },
  });
  return { scopePorts, ofPorts, ofServices };
}

function declareScopePorts(
  graph: Graph,
  views: Views,
  groups: Table<readonly Row<HostNames>[]>,
): SettledNames["scopePorts"] {
  const ports = graph.derive<readonly Row<HostNames>[], string>({
    name: "ports with routes",
    from: groups,
    rows: (key) => {
      const { name } = splitLayerKey(key);
      return isPort(name) ? [[key, name]] : [];
    },
  });
  const all = graph.index(ports, "all ports with routes", () => [ANY]);
  const distinct = graph.deriveOne<readonly string[]>({
    name: "distinct ports with routes",
    value: (read) => [...new Set(read.find(all, ANY).map(([, port]) => port))],
  });
  return graph.derive<ClientScope, { readonly scope: string; readonly port: string }>({
    name: "ports of client scopes",
    from: views.scopes.table,
    rows: (scope, _client, read) =>
      read.one(distinct).map((port) => [layerKey(scope, port), { scope, port }] as const),
  });
}

function isPort(routeName: string): boolean {
  return /^\d+$/.test(routeName);
}

/** Hosts that VirtualServices name come first, then services by age, as in Istio. */
function settle(hosts: ReadonlyMap<string, HostNames>, namespace: string): Settled {
  const present = [...hosts]
    .filter(([, { isPresent }]) => isPresent)
    .sort(([a, one], [b, other]) => compare(one.createdAt, other.createdAt) || compare(a, b));
  const isNear = ({ namespaceSuffix }: HostNames) => namespaceSuffix.startsWith(`${namespace}.svc.`);
  const claims = present.map(([name, names]) => ({ name, domains: isNear(names) ? names.near : names.far }));
  const settled = settleDomains(claims);
  return claims.flatMap(({ name }, at) => {
    const domains = settled[at] ?? [];
    return domains.length === 0 ? [] : [[name, domains] as const];
  });
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
