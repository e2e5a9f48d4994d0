// Which domains each virtual host of a route configuration has, for each client scope: no domain may stand twice in
// one configuration. Depends on names alone, so that a change of routes leaves it as it is.

import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Row, Table } from "../graph/table.ts";
import { type ClientScope, MESH_SCOPE } from "./client-scope.ts";
import { declareContestedHosts } from "./contested-hosts.ts";
import { layerKey, splitLayerKey } from "./layer-id.ts";
import { type DomainClaim, settleDomains } from "./route-table.ts";
import type { Scoped } from "./scoped-rows.ts";
import type { SidecarVirtualHost } from "./sidecar-virtual-host.ts";
import type { Views } from "./views.ts";
import {
  type HostNames,
  hostNames,
  isPort,
  isSpelledForAll,
  namesForScope,
  type Spelling,
} from "./virtual-host-names.ts";

/** Virtual hosts by the keys of their rows, with the domains left to each. */
export type Settled = readonly (readonly [string, readonly string[]])[];

/** What a port's table of one client scope consists of, beside the port's pages where the scope is over the mesh. */
export interface SettledPort {
  /** Of the port's pages those that can't be taken as they are: some virtual host there doesn't stand with all names. */
  readonly broken: readonly string[];
  /** Those of broken pages that do stand, and the scope's own. */
  readonly hosts: Settled;
}

export interface ScopePort {
  readonly scope: string;
  readonly port: string;
}

export interface SettledNames {
  /** Of connected clients, and IPv4 whoever is connected. */
  readonly families: Table<readonly ClientScope["families"][]>;
  /** Of the mesh and of layers over it, by the keys of the virtual hosts' rows. */
  readonly ofHosts: Table<HostNames>;
  /** Likewise, of client scopes with imports. */
  readonly ofImports: Table<HostNames>;
  /** The mesh's virtual hosts on ports, by `pageKey`. */
  readonly ofPages: Table<readonly Row<HostNames>[]>;
  /** The pages of each port, sorted. */
  readonly pagesOfPorts: Table<readonly string[]>;
  /** One row for each client scope and port that has HTTP. */
  readonly scopePorts: Table<ScopePort>;
  /** By the keys of `scopePorts`. */
  readonly ofPorts: Table<SettledPort>;
  /** By layer and route configuration, for those of a single service. */
  readonly ofServices: Table<Settled>;
}

const ANY = "any";

export function declareSettledNames(graph: Graph, views: Views): SettledNames {
  const { families } = views.scopes;
  const namesOf = (name: string, from: Table<Scoped<SidecarVirtualHost>>) =>
    graph.derive<Scoped<SidecarVirtualHost>, HostNames>({
      name,
      from,
      rows: (key, row, read) => {
        const { clusterDomain } = read.one(views.model.settings);
        return [[key, hostNames(key, row, { clusterDomain, families: read.one(families) })]];
      },
    });
  const ofHosts = namesOf("virtual host names", views.virtualHosts.overMesh);
  const ofImports = namesOf("virtual host names of imports", views.virtualHosts.imported);
  const ofPages = graph.group(
    "virtual hosts of pages",
    graph.index(ofHosts, "virtual hosts by page", (host, key) =>
      isOfMeshPort(key, host) ? [pageKey(host.routeName, pageOf(host))] : [],
    ),
  );
  // A port's virtual hosts of the mesh are on pages instead: a list of them all would be made anew with each.
  const groups = graph.group(
    "virtual host names of route configurations",
    graph.index(ofHosts, "virtual host names by route configuration", (host, key) =>
      isOfMeshPort(key, host) ? [] : [layerKey(splitLayerKey(key).layer, host.routeName)],
    ),
  );
  const groupsOfImports = graph.group(
    "virtual host names of imports in route configurations",
    graph.index(ofImports, "virtual host names of imports by route configuration", (host, key) => [
      layerKey(splitLayerKey(key).layer, host.routeName),
    ]),
  );
  const pagesOfPorts = declarePagesOfPorts(graph, ofPages);
  const scopePorts = declareScopePorts(graph, views, { pagesOfPorts, groups, groupsOfImports });
  const allGroups = graph.union("virtual host names of all layers by route configuration", [
    groups,
    groupsOfImports,
  ]);
  const hostsOfPorts = declareHostsOfPorts(graph, { ofHosts, ofPages, groups: allGroups, pagesOfPorts });
  const ofPorts = graph.derive<ScopePort, SettledPort>({
    name: "settled names of port routes",
    from: scopePorts,
    rows: (key, { scope, port }, read) => {
      const client = read.get(views.scopes.table, scope) ?? MESH_SCOPE;
      return [[key, settlePort(hostsOfPorts(port, client, read))]];
    },
  });
  const ofServices = graph.derive<readonly Row<HostNames>[], Settled>({
    name: "settled names of service routes",
    from: allGroups,
    rows: (key, rows) => {
      if (isPort(splitLayerKey(key).name)) return [];
      const claims = rows.map(([row, names]) => [row, namesForScope(names, MESH_SCOPE)] as const);
      return [[key, claims.filter(([, domains]) => domains.length > 0)]];
    },
  });
  return { families, ofHosts, ofImports, ofPages, pagesOfPorts, scopePorts, ofPorts, ofServices };
}

interface PortTables {
  readonly ofHosts: Table<HostNames>;
  readonly ofPages: Table<readonly Row<HostNames>[]>;
  readonly pagesOfPorts: Table<readonly string[]>;
  /** By layer and route configuration: all that is on no page. */
  readonly groups: Table<readonly Row<HostNames>[]>;
}

function declarePagesOfPorts(
  graph: Graph,
  ofPages: Table<readonly Row<HostNames>[]>,
): SettledNames["pagesOfPorts"] {
  const names = graph.derive<readonly Row<HostNames>[], string>({
    name: "names of pages",
    from: ofPages,
    rows: (key) => [[key, splitPageKey(key).page]],
  });
  const byPort = graph.index(names, "pages by port", (_page, key) => [splitPageKey(key).port]);
  return graph.derive<readonly Row<string>[], readonly string[]>({
    name: "pages of ports",
    from: graph.group("pages by their ports", byPort),
    rows: (port, pages) => [[port, pages.map(([, page]) => page)]],
  });
}

/** Over the mesh a scope has all ports that there are; with imports, those of its own virtual hosts. */
function declareScopePorts(
  graph: Graph,
  views: Views,
  {
    groupsOfImports,
    ...ofMesh
  }: Pick<PortTables, "pagesOfPorts" | "groups"> & { readonly groupsOfImports: PortTables["groups"] },
): Table<ScopePort> {
  const ports = declarePorts(graph, ofMesh);
  return graph.union("ports of client scopes", [
    graph.derive<ClientScope, ScopePort>({
      name: "ports of client scopes over the mesh",
      from: views.scopes.overMesh,
      rows: (_key, { id: scope }, read) =>
        read.one(ports).map((port) => [layerKey(scope, port), { scope, port }] as const),
    }),
    graph.derive<readonly Row<HostNames>[], ScopePort>({
      name: "ports of imports",
      from: groupsOfImports,
      rows: (key) => {
        const { layer: scope, name: port } = splitLayerKey(key);
        return isPort(port) ? [[key, { scope, port }]] : [];
      },
    }),
  ]);
}

/** One row: all ports that have a virtual host for some client over the mesh. */
function declarePorts(
  graph: Graph,
  { pagesOfPorts, groups }: Pick<PortTables, "pagesOfPorts" | "groups">,
): Table<readonly string[]> {
  const ofScopes = graph.derive<readonly Row<HostNames>[], string>({
    name: "ports with routes of client scopes",
    from: groups,
    rows: (key) => {
      const { name } = splitLayerKey(key);
      return isPort(name) ? [[key, name]] : [];
    },
  });
  const ofAllScopes = graph.index(ofScopes, "all ports with routes of client scopes", () => [ANY]);
  return graph.deriveOne<readonly string[]>({
    name: "distinct ports with routes",
    value: (read) => [
      ...new Set([
        ...read.all(pagesOfPorts).map(([port]) => port),
        ...read.find(ofAllScopes, ANY).map(([, port]) => port),
      ]),
    ],
  });
}

/** What of a port's virtual hosts a client scope has to look at: not those that stand for it as for all others. */
interface PortHosts {
  readonly client: ClientScope;
  /** Of the mesh: those that may lose a name, or are called otherwise by this client. */
  readonly doubtful: readonly Row<HostNames>[];
  /** The scope's own, in place of the mesh's of the same name. */
  readonly own: readonly Row<HostNames>[];
  readonly replaced: readonly Row<HostNames>[];
  pageHosts(page: string): readonly Row<HostNames>[];
}

/** `read` is of the row that asks. */
type HostsOfPort = (port: string, client: ClientScope, read: Read) => PortHosts;

function declareHostsOfPorts(
  graph: Graph,
  { ofHosts, ofPages, pagesOfPorts, groups }: PortTables,
): HostsOfPort {
  const contested = graph.index(
    declareContestedHosts(graph, ofHosts),
    "contested virtual hosts of the mesh by port",
    (host, key) => (isOfMeshPort(key, host) ? [host.routeName] : []),
  );
  const byAliasDomain = graph.index(
    ofHosts,
    "virtual hosts of the mesh by the domains of aliases",
    (host, key) =>
      isOfMeshPort(key, host) ? host.aliasSuffixes.map((domain) => pageKey(host.routeName, domain)) : [],
  );
  return (port, client, read) => {
    const own = client.id === MESH_SCOPE.id ? [] : (read.get(groups, layerKey(client.id, port)) ?? []);
    if (client.imports !== undefined) return { client, doubtful: [], own, replaced: [], pageHosts: () => [] };
    const pageHosts = (page: string) => read.get(ofPages, pageKey(port, page)) ?? [];
    const doubtful = client.isForeign
      ? (read.get(pagesOfPorts, port) ?? []).flatMap(pageHosts)
      : [...read.find(contested, port), ...read.find(byAliasDomain, pageKey(port, client.domain))];
    const replaced = own.flatMap(([key]): readonly Row<HostNames>[] => {
      const ofMesh = layerKey(MESH_SCOPE.id, splitLayerKey(key).name);
      const names = read.get(ofHosts, ofMesh);
      return names === undefined ? [] : [[ofMesh, names]];
    });
    return { client, doubtful, own, replaced, pageHosts };
  };
}

function isOfMeshPort(key: string, { routeName }: HostNames): boolean {
  return splitLayerKey(key).layer === MESH_SCOPE.id && isPort(routeName);
}

function settlePort({ client, doubtful, own, replaced, pageHosts }: PortHosts): SettledPort {
  const rows = new Map<string, Row<HostNames>>();
  for (const row of [...doubtful, ...own]) rows.set(splitLayerKey(row[0]).name, row);
  const settled = new Map(settle(rows, client).map((host) => [host.key, host]));
  const isWhole = ([key, names]: Row<HostNames>) =>
    isSpelledForAll(names, client) && settled.get(key)?.isWhole === true;
  const broken = new Set(
    [...doubtful.filter((row) => !isWhole(row)), ...replaced].map(([, names]) => pageOf(names)),
  );
  // What nobody contests stands with all its names, also where it can't stand on its page.
  const undoubted = [...broken]
    .flatMap(pageHosts)
    .filter(([key]) => !rows.has(splitLayerKey(key).name))
    .map(([key, names]) => ({ key, names, domains: namesForScope(names, client) }));
  const isOnPage = ({ key, names }: Standing) =>
    splitLayerKey(key).layer === MESH_SCOPE.id && !broken.has(pageOf(names));
  return {
    broken: [...broken].sort(),
    hosts: [...settled.values(), ...undoubted]
      .filter((host) => !isOnPage(host))
      .sort(byPrecedence)
      .map(({ key, domains }) => [key, domains] as const),
  };
}

interface Standing {
  readonly key: string;
  readonly names: HostNames;
  readonly domains: readonly string[];
}

/** Hosts that VirtualServices name come first, then services by age, as in Istio. */
function byPrecedence(one: Standing, other: Standing): number {
  return (
    compare(one.names.createdAt, other.names.createdAt) ||
    compare(splitLayerKey(one.key).name, splitLayerKey(other.key).name)
  );
}

interface SettledHost extends Standing {
  /** It stands with every name that it claims. */
  readonly isWhole: boolean;
}

export function settle(
  rows: ReadonlyMap<string, Row<HostNames>>,
  client: ClientScope,
): readonly SettledHost[] {
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

declare const isPageKey: unique symbol;

/** Of the virtual hosts of one port and one namespace. */
export type PageKey = string & { readonly [isPageKey]: true };

export function pageKey(port: string, page: string): PageKey {
  return `${port} ${page}` as PageKey;
}

/** What a table has as a key that is a page's. */
export function asPageKey(key: string): PageKey {
  return key as PageKey;
}

function splitPageKey(key: string): { readonly port: string; readonly page: string } {
  const space = key.indexOf(" ");
  return { port: key.slice(0, space), page: key.slice(space + 1) };
}

/** As the clients of the page's own namespace call its virtual hosts, or as all others do. */
export function spelledPageKey(key: PageKey, spelling: Spelling): string {
  return `${key} ${spelling}`;
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
