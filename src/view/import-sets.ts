// What a sidecar imports: of all that is exported to it, the services that it calls and the VirtualServices that it
// follows. Most import everything, and have no set. The rest is derived: which services and rules that is, and which
// other services those rules send to.

import { hostnamesOverlap, isHostnameWithin, isWildcard, qualifyHostname } from "../core/hostname.ts";
import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Row, Table } from "../graph/table.ts";
import type { Index } from "../graph/table-index.ts";
import type { Followable, Importable } from "../model/client.ts";
import { MESH_GATEWAY } from "../model/gateway-name.ts";
import { everyServiceCalled } from "../model/host-owner.ts";
import type { HostRoutes } from "../model/host-routes.ts";
import { findByHost, findNamed, findWithin } from "../model/host-table.ts";
import type { Model } from "../model/model.ts";
import { type MeshService, serviceKey } from "../model/service.ts";
import { isVisibleTo } from "../model/visibility.ts";
import { asLayerId, type LayerId } from "./layer-id.ts";
import { contentId } from "./shared-rows.ts";

/** `host` may be a wildcard, `*` is any; `*` as a namespace is every one. */
export interface ImportedHosts {
  readonly namespace: string;
  readonly host: string;
}

export interface ImportSet {
  /** Equal for the same hosts, and for no others. */
  readonly id: string;
  readonly hosts: readonly ImportedHosts[];
  /** All of `hosts` as `namespace/host`: a set may name a thousand, and is asked for each service. */
  readonly names: Readonly<Record<string, true>>;
  /** Those of `hosts` that stand for some names, not for one or all. */
  readonly wildcards: readonly ImportedHosts[];
}

/** Hosts are in lower case. The order in which they are written doesn't matter. */
export function importSetOf(hosts: readonly ImportedHosts[]): ImportSet {
  const byName = new Map(hosts.map((each) => [`${each.namespace}/${each.host}`, each]));
  const names = [...byName.keys()].sort();
  const sorted = names.flatMap((name) => byName.get(name) ?? []);
  return {
    id: contentId(names),
    hosts: sorted,
    names: Object.fromEntries(names.map((name) => [name, true])),
    wildcards: sorted.filter(({ host }) => isWildcard(host) && host !== "*"),
  };
}

/** All of the service's host is imported, not a part of a wildcard. */
export function importsService(
  { names, wildcards }: ImportSet,
  { namespace, hostname }: Pick<Importable, "namespace" | "hostname">,
): boolean {
  const isNamed = (host: string) => `${namespace}/${host}` in names || `*/${host}` in names;
  return (
    isNamed(hostname) ||
    isNamed("*") ||
    wildcards.some((each) => isOf(namespace, each) && isHostnameWithin(hostname, each.host))
  );
}

/** Some of the VirtualService's hosts, or a part of one, is imported. */
export function importsRoutes(
  { hosts }: ImportSet,
  routes: Pick<Followable, "namespace" | "hosts">,
): boolean {
  return hosts.some(
    (each) => isOf(routes.namespace, each) && routes.hosts.some((host) => hostnamesOverlap(host, each.host)),
  );
}

function isOf(namespace: string, imported: ImportedHosts): boolean {
  return imported.namespace === "*" || imported.namespace === namespace;
}

/** One that a client with an import set has rows of. */
export interface ImportedInput<I> {
  /** Of the client scope. */
  readonly layer: LayerId;
  /** As in the table of all of them. */
  readonly key: string;
  readonly input: I;
}

/** For each client scope that has an import set; rows by that and the input's key. */
export interface ImportedInputs {
  /** Which it calls by their hosts. */
  readonly services: Table<ImportedInput<MeshService>>;
  /** By the client scope's id. */
  readonly servicesByLayer: Index<ImportedInput<MeshService>>;
  /** These, and which its rules may send to. */
  readonly destinations: Table<ImportedInput<MeshService>>;
  /** Those bound to sidecars. */
  readonly routes: Table<ImportedInput<HostRoutes>>;
}

/** Who imports, by the id of the client scope. */
export interface Importer {
  readonly namespace: string;
  readonly imports: ImportSet;
}

export function declareImportedInputs(
  graph: Graph,
  model: Model,
  importers: Table<Importer>,
): ImportedInputs {
  const services = graph.derive<Importer, ImportedInput<MeshService>>({
    name: "imported services",
    from: importers,
    rows: (layer, importer, read) => inputsOf(layer, importedServices(importer, model, read)),
  });
  const routesByNamespace = graph.index(
    model.hostRoutes.table,
    "host routes of sidecars by namespace",
    ({ gateways, namespace }) => (gateways.includes(MESH_GATEWAY) ? [namespace] : []),
  );
  const routes = graph.derive<Importer, ImportedInput<HostRoutes>>({
    name: "imported host routes",
    from: importers,
    rows: (layer, importer, read) =>
      inputsOf(layer, importedRoutes(importer, { model, routesByNamespace }, read)),
  });
  const servicesByLayer = graph.index(services, "imported services by layer", ({ layer }) => [layer]);
  const routesByLayer = graph.index(routes, "imported host routes by layer", ({ layer }) => [layer]);
  const destinations = graph.derive<Importer, ImportedInput<MeshService>>({
    name: "imported services and destinations",
    from: importers,
    *rows(layer, _importer, read) {
      const imported = read.find(servicesByLayer, layer).map(([, { input }]) => input);
      const sentTo = read
        .find(routesByLayer, layer)
        .flatMap(([, { input }]) => destinationHosts(input, model, read))
        .flatMap((host) => everyServiceCalled(host, { read, claims: model.hostClaims }));
      yield* inputsOf(
        layer,
        [...imported, ...sentTo].map((service) => [serviceKey(service), service]),
      );
    },
  });
  return { services, servicesByLayer, destinations, routes };
}

function inputsOf<I>(scope: string, rows: Iterable<Row<I>>): Iterable<readonly [string, ImportedInput<I>]> {
  const layer = asLayerId(scope);
  // Ids of scopes hold no space.
  return new Map([...rows].map(([key, input]) => [`${layer} ${key}`, { layer, key, input }]));
}

function importedServices({ namespace, imports }: Importer, model: Model, read: Read) {
  const found = imports.hosts.flatMap((each): readonly Row<MeshService>[] => {
    if (!isWildcard(each.host)) return findNamed(read, model.hostClaims, each.host);
    return each.namespace === "*"
      ? read.all(model.services)
      : read.find(model.servicesByNamespace, each.namespace);
  });
  return found.filter(
    ([, service]) => importsService(imports, service) && isVisibleTo(service.visibility, namespace),
  );
}

interface RouteTables {
  readonly model: Model;
  readonly routesByNamespace: Index<HostRoutes>;
}

function importedRoutes(
  { namespace, imports }: Importer,
  { model, routesByNamespace }: RouteTables,
  read: Read,
) {
  const { ofSidecars } = model.hostRoutes;
  const found = imports.hosts.flatMap((each) =>
    each.host === "*" && each.namespace !== "*"
      ? read.find(routesByNamespace, each.namespace)
      : [...findByHost(read, ofSidecars, each.host), ...findWithin(read, ofSidecars, each.host)],
  );
  return found.filter(
    ([, routes]) => importsRoutes(imports, routes) && isVisibleTo(routes.visibility, namespace),
  );
}

/** All that some of the rules names, whoever it is for. */
function destinationHosts(
  { namespace, http, tcp, tls }: HostRoutes,
  { settings }: Model,
  read: Read,
): readonly string[] {
  const { clusterDomain } = read.one(settings);
  const ofHttp = http.flatMap(({ rule: { route = [], mirror, mirrors = [] }, namespace: own }) =>
    [...route, ...mirrors, ...(mirror === undefined ? [] : [{ destination: mirror }])].map(
      ({ destination }) => qualifyHostname(destination.host, own, clusterDomain),
    ),
  );
  const ofStreams = [...tcp, ...tls].flatMap(({ route = [] }) =>
    route.map(({ destination }) => qualifyHostname(destination.host, namespace, clusterDomain)),
  );
  return [...new Set([...ofHttp, ...ofStreams])];
}
