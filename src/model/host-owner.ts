// Which service clients reach by a host. Objects of several namespaces may name one, and each client has one of their
// services: its own namespace's, else the Kubernetes Service, else the oldest, as in Istio. A namespace so decides for
// its own clients alone about a host that is another's.

import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import type { Index } from "../graph/table-index.ts";
import type { Client, Importable } from "./client.ts";
import { declareHostTable, findNamed, type HostTable } from "./host-table.ts";
import { byPrecedence, type MeshService, type ServiceName, serviceKey } from "./service.ts";

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
  readonly client: Pick<Client, "isIn" | "imports">;
}

/** Of one whose rules send to services, whether or not the client imports these. */
export interface DestinationLookup extends HostLookup {
  readonly client: Pick<Client, "isIn" | "imports" | "sees">;
}

/** Undefined where the client imports no service of this name. */
export function serviceOfHost(
  hostname: string,
  { read, claims, client }: HostLookup,
): MeshService | undefined {
  return nearestOf(
    claimants(hostname, read, claims).filter((service) => client.imports(service)),
    client,
  );
}

/** The service that rules send to by a host: one that the client imports, else one that is exported to it. */
function destinationOfHost(hostname: string, lookup: DestinationLookup): MeshService | undefined {
  const { read, claims, client } = lookup;
  const imported = serviceOfHost(hostname, lookup);
  if (imported !== undefined) return imported;
  return nearestOf(
    claimants(hostname, read, claims).filter(({ visibility }) => client.sees(visibility)),
    client,
  );
}

/** The first in the order of `byPrecedenceFor`. Asks nothing where there is only one. */
function nearestOf(services: readonly MeshService[], client: Pick<Client, "isIn">): MeshService | undefined {
  const [first, ...others] = services.length > 1 ? services.toSorted(byPrecedence) : services;
  const isNearer = ({ namespace }: MeshService) => namespace !== first?.namespace && client.isIn(namespace);
  return others.find(isNearer) ?? first;
}

/** As `serviceOfHost`, also by the host of an ExternalName Service that stands for it. */
export function serviceCalled(hostname: string, lookup: HostLookup): MeshService | undefined {
  const ofAlias = () => ofAliases(hostname, lookup, (service) => ownsHost(service, lookup));
  return serviceOfHost(hostname, lookup) ?? ofAlias();
}

/** As `serviceCalled`, for the destination of a rule, which the client need not import. */
export function destinationCalled(hostname: string, lookup: DestinationLookup): MeshService | undefined {
  const ofAlias = () => ofAliases(hostname, lookup, (service) => isDestination(service, lookup));
  return destinationOfHost(hostname, lookup) ?? ofAlias();
}

function ofAliases(
  hostname: string,
  { read, claims, client }: HostLookup,
  isReached: (service: MeshService) => boolean,
): MeshService | undefined {
  const services = read.find(claims.byAlias, hostname).map(([, service]) => service);
  return nearestOf(services.filter(isReached), client);
}

/** All that some client calls by a host, or by the host of an ExternalName Service that stands for it. */
export function everyServiceCalled(
  hostname: string,
  { read, claims }: Omit<HostLookup, "client">,
): readonly MeshService[] {
  const ofAlias = read.find(claims.byAlias, hostname).map(([, service]) => service);
  return [...claimants(hostname, read, claims), ...ofAlias];
}

/** Whether it is this service, of all with its host, that the client reaches. */
export function ownsHost(service: ServiceName, lookup: HostLookup): boolean {
  return isSame(service, serviceOfHost(service.hostname, lookup));
}

/** Whether it is this service, of all with its host, that rules of the client send to. */
export function isDestination(service: ServiceName, lookup: DestinationLookup): boolean {
  return isSame(service, destinationOfHost(service.hostname, lookup));
}

function isSame(service: ServiceName, owner: MeshService | undefined): boolean {
  return owner !== undefined && serviceKey(owner) === serviceKey(service);
}

/** Whether it's this service for the clients of all namespaces: who the client is need not be asked. */
export function isReachedByAll(service: ServiceName, lookup: Omit<HostLookup, "client">): boolean {
  let isAsked = false;
  const isIn = () => {
    isAsked = true;
    return false;
  };
  const client = { isIn, imports: ({ visibility }: Importable) => visibility === "public" || isIn() };
  return ownsHost(service, { ...lookup, client }) && !isAsked;
}

/** Of services with one host, the client's first. */
export function byPrecedenceFor(namespace: string): (a: MeshService, b: MeshService) => number {
  const rank = (service: MeshService) => (service.namespace === namespace ? 0 : 1);
  return (a, b) => rank(a) - rank(b) || byPrecedence(a, b);
}

function claimants(hostname: string, read: Read, claims: HostClaims): readonly MeshService[] {
  return findNamed(read, claims, hostname).map(([, service]) => service);
}
