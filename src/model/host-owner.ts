// Which service clients reach by a host. Objects of several namespaces may name one, and each client has one of their
// services: its own namespace's, else the Kubernetes Service, else the oldest, as in Istio. A namespace so decides for
// its own clients alone about a host that is another's.

import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import type { Index } from "../graph/table-index.ts";
import { declareHostTable, findNamed, type HostTable } from "./host-table.ts";
import { byPrecedence, type MeshService, type ServiceName, serviceKey } from "./service.ts";
import { isVisibleTo } from "./visibility.ts";

export interface HostClaims extends HostTable<MeshService> {
  /** By the hosts of ExternalName Services that stand for a service. */
  readonly byAlias: Index<MeshService>;
}

export function declareHostClaims(graph: Graph, services: Table<MeshService>): HostClaims {
  const byHost = declareHostTable(graph, services, {
    name: "services by host",
    hostsOf: ({ hostname }) => [hostname],
  });
  return { ...byHost, byAlias: graph.index(services, "services by alias", ({ aliases }) => aliases) };
}

export interface HostLookup {
  readonly read: Read;
  readonly claims: HostClaims;
  /** The client's. */
  readonly namespace: string;
}

/** Undefined where the client sees no service of this name. */
export function serviceOfHost(
  hostname: string,
  { read, claims, namespace }: HostLookup,
): MeshService | undefined {
  const [first] = claimants(hostname, read, claims)
    .filter(({ visibility }) => isVisibleTo(visibility, namespace))
    .sort(byPrecedenceFor(namespace));
  return first;
}

/** As `serviceOfHost`, also by the host of an ExternalName Service that stands for it. */
export function serviceCalled(hostname: string, lookup: HostLookup): MeshService | undefined {
  return serviceOfHost(hostname, lookup) ?? serviceOfAlias(hostname, lookup);
}

function serviceOfAlias(hostname: string, lookup: HostLookup): MeshService | undefined {
  const { read, claims, namespace } = lookup;
  const [first] = read
    .find(claims.byAlias, hostname)
    .map(([, service]) => service)
    .filter((service) => ownsHost(service, lookup))
    .sort(byPrecedenceFor(namespace));
  return first;
}

/** All that some client calls by a host, or by the host of an ExternalName Service that stands for it. */
export function everyServiceCalled(
  hostname: string,
  { read, claims }: Omit<HostLookup, "namespace">,
): readonly MeshService[] {
  const ofAlias = read.find(claims.byAlias, hostname).map(([, service]) => service);
  return [...claimants(hostname, read, claims), ...ofAlias];
}

/** Whether it is this service, of all with its host, that the client reaches. */
export function ownsHost(service: ServiceName, lookup: HostLookup): boolean {
  const owner = serviceOfHost(service.hostname, lookup);
  return owner !== undefined && serviceKey(owner) === serviceKey(service);
}

/** Clients of different namespaces may reach different services by this host. */
export function isHostContested(
  { hostname }: Pick<MeshService, "hostname">,
  { read, claims }: Omit<HostLookup, "namespace">,
): boolean {
  return claimants(hostname, read, claims).length > 1;
}

/** Of services with one host, the client's first. */
export function byPrecedenceFor(namespace: string): (a: MeshService, b: MeshService) => number {
  const rank = (service: MeshService) => (service.namespace === namespace ? 0 : 1);
  return (a, b) => rank(a) - rank(b) || byPrecedence(a, b);
}

function claimants(hostname: string, read: Read, claims: HostClaims): readonly MeshService[] {
  return findNamed(read, claims, hostname).map(([, service]) => service);
}
