// The hosts that DNS in a pod answers for itself: those that its clients may see, with their addresses. Made for client
// scopes alone that have a proxy that captures DNS.

import type { IpFamilies } from "../core/ip-families.ts";
import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Row, Table } from "../graph/table.ts";
import { byPrecedenceFor } from "../model/host-owner.ts";
import type { Model } from "../model/model.ts";
import { addressesForProxy, automaticAddresses } from "../model/proxy-addresses.ts";
import type { MeshService } from "../model/service.ts";
import { isVisibleTo } from "../model/visibility.ts";
import type { ClientScope, ClientScopes, ConnectedProxy } from "./client-scope.ts";

export interface NamedHost {
  /** In lower case; `*.example.com` stands for all names below. */
  readonly host: string;
  readonly addresses: readonly string[];
  readonly registry: MeshService["registry"];
  readonly name: string;
  readonly namespace: string;
}

/** Sorted by host, which are distinct. */
export type NamedHosts = readonly NamedHost[];

interface NamedService {
  readonly service: MeshService;
  readonly hosts: NamedHosts;
  /** Addresses aren't the host's own: each client hears those of its IP families. */
  readonly isAutomatic: boolean;
}

/** Rows by the scope's id. */
export function declareNameTables(graph: Graph, model: Model, scopes: ClientScopes): Table<NamedHosts> {
  const services = graph.derive<MeshService, NamedService>({
    name: "names of services",
    from: model.services,
    *rows(key, service, read) {
      const isHeadless = service.registry === "Kubernetes" && service.resolution === "headless";
      const endpoints = isHeadless ? (read.get(model.endpoints, key) ?? []) : [];
      const hosts = isHeadless ? headlessHosts(service, endpoints) : virtualHosts(service);
      const isAutomatic = !isHeadless && ownAddresses(service).length === 0;
      if (hosts.length > 0) yield [key, { service, hosts, isAutomatic }];
    },
  });
  const capturing = graph.derive<ConnectedProxy, ClientScope>({
    name: "client scopes of proxies that capture DNS",
    from: scopes.proxies,
    *rows(key, { capturesDns }, read) {
      const scope = capturesDns ? read.get(scopes.ofProxy, key) : undefined;
      if (scope !== undefined) yield [key, scope];
    },
  });
  const groups = graph.group(
    "client scopes that capture DNS",
    graph.index(capturing, "id of the client scope that captures DNS", ({ id }) => [id]),
  );
  return graph.derive<readonly Row<ClientScope>[], NamedHosts>({
    name: "name tables",
    from: groups,
    rows: (id, members, read) =>
      members.slice(0, 1).map(([, scope]) => {
        const { namespace, families } = scope;
        const called = namesFor(scope, { services, scopes }, read).map((named) =>
          named.isAutomatic ? ofFamilies(named, families) : named,
        );
        return [id, tableOf(called, namespace)] as const;
      }),
  });
}

interface NamingTables {
  readonly services: Table<NamedService>;
  readonly scopes: ClientScopes;
}

/** Of all services that the clients may call. */
function namesFor(
  { id, namespace, imports }: ClientScope,
  { services, scopes }: NamingTables,
  read: Read,
): readonly NamedService[] {
  if (imports === undefined)
    return read
      .all(services)
      .map(([, named]) => named)
      .filter(({ service }) => isVisibleTo(service.visibility, namespace));
  return read
    .find(scopes.imported.servicesByLayer, id)
    .flatMap(([, { key }]) => read.get(services, key) ?? []);
}

function ofFamilies(named: NamedService, families: IpFamilies): NamedService {
  const hosts = named.hosts.map((host) => ({
    ...host,
    addresses: addressesForProxy(host.addresses, families),
  }));
  return { ...named, hosts };
}

/** DNS can't say a range. */
function ownAddresses({ addresses }: MeshService): readonly string[] {
  return addresses.filter((address) => !address.includes("/"));
}

function virtualHosts(service: MeshService): NamedHosts {
  const own = ownAddresses(service);
  const { automaticAddress } = service;
  const addresses =
    own.length > 0 || automaticAddress === undefined ? own : automaticAddresses(automaticAddress);
  return addresses.length === 0 ? [] : [namedHost(service, service.hostname, addresses)];
}

interface PodAddress {
  readonly address: string;
  readonly hostname?: string;
}

/** The service's name has all its pods; a pod of a StatefulSet has a name of its own below. */
function headlessHosts(service: MeshService, endpoints: readonly PodAddress[]): NamedHosts {
  const addressesByHost = new Map<string, Set<string>>();
  const add = (host: string, address: string) =>
    addressesByHost.set(host, (addressesByHost.get(host) ?? new Set()).add(address));
  for (const { address, hostname } of endpoints) {
    add(service.hostname, address);
    if (hostname !== undefined) add(`${hostname}.${service.hostname}`, address);
  }
  return [...addressesByHost].map(([host, addresses]) => namedHost(service, host, [...addresses]));
}

function namedHost(
  { registry, name, namespace }: MeshService,
  host: string,
  addresses: readonly string[],
): NamedHost {
  return { host, addresses: [...addresses].sort(), registry, name, namespace };
}

/** A name of several services is the one's that the client reaches by it. */
function tableOf(visible: readonly NamedService[], namespace: string): NamedHosts {
  const byHost = new Map<string, NamedHost>();
  const compare = byPrecedenceFor(namespace);
  for (const { hosts } of visible.toSorted((a, b) => compare(a.service, b.service))) {
    for (const named of hosts) if (!byHost.has(named.host)) byHost.set(named.host, named);
  }
  return [...byHost.values()].sort((a, b) => (a.host < b.host ? -1 : 1));
}
