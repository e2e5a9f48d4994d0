// Which domains each virtual host of a route configuration has, for each client scope: no domain may stand twice in
// one configuration. Depends on names alone, so that a change of routes leaves it as it is.

import type { Graph } from "../graph/graph.ts";
import type { Row, Table } from "../graph/table.ts";
import { type ClientScope, MESH_SCOPE } from "./client-scope.ts";
import { type DomainClaim, settleDomains } from "./route-table.ts";
import { layerKey, type Scoped, splitLayerKey } from "./scoped-rows.ts";
import type { SidecarVirtualHost } from "./sidecar-virtual-host.ts";
import type { Views } from "./views.ts";
import {
  type HostNames,
  hostNames,
  isSpelledForAll,
  namesForScope,
  type Spelling,
  spellingOf,
} from "./virtual-host-names.ts";

/** Virtual hosts by the keys of their rows, with the domains left to each. */
export type Settled = readonly (readonly [string, readonly string[]])[];

/** What a port's table of one client scope consists of. */
export interface SettledPort {
  /** Keys of pages whose virtual hosts all stand with every name that they claim. */
  readonly pages: readonly string[];
  /** All others: of this scope alone, or on a page of which some lost a name. */
  readonly hosts: Settled;
}

export interface SettledNames {
  /** Of connected clients, and IPv4 whoever is connected. */
  readonly families: Table<readonly ClientScope["families"][]>;
  /** By the keys of the virtual hosts' rows. */
  readonly ofHosts: Table<HostNames>;
  /** One row for each client scope and port that has HTTP. */
  readonly scopePorts: Table<{ readonly scope: string; readonly port: string }>;
  /** By the keys of `scopePorts`. */
  readonly ofPorts: Table<SettledPort>;
  /** By layer and route configuration, for those of a single service. */
  readonly ofServices: Table<Settled>;
}

const ANY = "any";

export function declareSettledNames(graph: Graph, views: Views): SettledNames {
  const { families } = views.scopes;
  const ofHosts = graph.derive<Scoped<SidecarVirtualHost>, HostNames>({
    name: "virtual host names",
    from: views.virtualHosts.table,
    rows: (key, row, read) => {
      const { clusterDomain } = read.one(views.model.settings);
      return [[key, hostNames(key, row, { clusterDomain, families: read.one(families) })]];
    },
  });
  const groups = graph.group(
    "virtual host names of route configurations",
    graph.index(ofHosts, "virtual host names by route configuration", ({ routeName }, key) => [
      layerKey(splitLayerKey(key).layer, routeName),
    ]),
  );
  const scopePorts = declareScopePorts(graph, views, groups);
  const ofPorts = graph.derive<{ readonly scope: string; readonly port: string }, SettledPort>({
    name: "settled names of port routes",
    from: scopePorts,
    rows: (key, { scope, port }, read) => {
      const ofMesh = read.get(groups, layerKey(MESH_SCOPE.id, port)) ?? [];
      const ofScope = read.get(groups, layerKey(scope, port)) ?? [];
      const client = read.get(views.scopes.table, scope) ?? MESH_SCOPE;
      return [[key, settlePort({ port, ofMesh, ofScope, client })]];
    },
  });
  const ofServices = graph.derive<readonly Row<HostNames>[], Settled>({
    name: "settled names of service routes",
    from: groups,
    rows: (key, rows) => {
      if (isPort(splitLayerKey(key).name)) return [];
      const claims = rows.map(([row, names]) => [row, namesForScope(names, MESH_SCOPE)] as const);
      return [[key, claims.filter(([, domains]) => domains.length > 0)]];
    },
  });
  return { families, ofHosts, scopePorts, ofPorts, ofServices };
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

/** Whether a route configuration is a port's; else it is a single service's. */
export function isPort(routeName: string): boolean {
  return /^\d+$/.test(routeName);
}

interface PortClaims {
  readonly port: string;
  readonly ofMesh: readonly Row<HostNames>[];
  readonly ofScope: readonly Row<HostNames>[];
  readonly client: ClientScope;
}

function settlePort({ port, ofMesh, ofScope, client }: PortClaims): SettledPort {
  const rows = new Map<string, Row<HostNames>>();
  for (const row of [...ofMesh, ...ofScope]) rows.set(splitLayerKey(row[0]).name, row);
  const settled = settle(rows, client);
  const settledRows = new Map(settled.map(({ key, isWhole }) => [key, isWhole]));
  const broken = new Set(
    ofMesh
      .filter(([key, names]) => !isSpelledForAll(names, client) || settledRows.get(key) !== true)
      .map(([, names]) => pageOf(names)),
  );
  const pages = new Set(ofMesh.map(([, names]) => pageOf(names)).filter((page) => !broken.has(page)));
  const isOnPage = ({ key, names }: SettledHost) =>
    splitLayerKey(key).layer === MESH_SCOPE.id && pages.has(pageOf(names));
  return {
    pages: [...pages].sort().map((page) => spelledPageKey(pageKey(port, page), spellingOf(page, client))),
    hosts: settled.filter((host) => !isOnPage(host)).map(({ key, domains }) => [key, domains] as const),
  };
}

interface SettledHost {
  /** Of the virtual host's row. */
  readonly key: string;
  readonly names: HostNames;
  readonly domains: readonly string[];
  /** It stands with every name that it claims. */
  readonly isWhole: boolean;
}

/** Hosts that VirtualServices name come first, then services by age, as in Istio. */
function settle(rows: ReadonlyMap<string, Row<HostNames>>, client: ClientScope): readonly SettledHost[] {
  const claims = [...rows]
    .filter(([, [, { host }]]) => host !== undefined)
    .sort(([a, [, one]], [b, [, other]]) => compare(one.createdAt, other.createdAt) || compare(a, b))
    .map(([name, [key, names]]) => ({ name, key, names, domains: namesForScope(names, client) }));
  const keepsAlternative = (claim: NamedClaim, other: NamedClaim) =>
    keepsShortName(claim.names, other.names, client);
  return settleDomains(claims, keepsAlternative).flatMap((domains, at) => {
    const claim = claims[at];
    if (claim === undefined || domains.length === 0) return [];
    const { key, names } = claim;
    return [{ key, names, domains, isWhole: domains.length === claim.domains.length }];
  });
}

interface NamedClaim extends DomainClaim {
  readonly names: HostNames;
}

/**
 * A Kubernetes Service keeps the short names that its clients call it by from a ServiceEntry that has one as its host, as it
 * keeps its full host; but that of a client's own namespace, or of the Service's, has it, as in Istio.
 */
function keepsShortName(
  { host }: HostNames,
  { host: other }: HostNames,
  { namespace }: ClientScope,
): boolean {
  if (host?.service?.registry !== "Kubernetes" || other?.service?.registry !== "External") return false;
  return ![namespace, host.service.namespace].includes(other.service.namespace);
}

/** Virtual hosts of one namespace are spelled alike by the clients of any other. */
export function pageOf({ namespaceSuffix }: HostNames): string {
  return namespaceSuffix;
}

export function pageKey(port: string, page: string): string {
  return `${port} ${page}`;
}

/** As the clients of the page's own namespace call its virtual hosts, or as all others do. */
export function spelledPageKey(key: string, spelling: Spelling): string {
  return `${key} ${spelling}`;
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
