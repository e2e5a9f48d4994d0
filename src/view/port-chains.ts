// The TCP chains of a port's listener on every address: of services that have no address, by server name, and of
// those that have address ranges.

import { BLACK_HOLE_CLUSTER, PASSTHROUGH_CLUSTER } from "../core/cluster-name.ts";
import { isSniffed, isTls } from "../core/protocol.ts";
import type { Read } from "../graph/read.ts";
import type { MeshSettings } from "../model/mesh-settings.ts";
import type { Model } from "../model/model.ts";
import { addressRanges, type MeshService, type MeshServicePort } from "../model/service.ts";
import { alternativeHostnames } from "../model/virtual-host-domains.ts";
import { settleMatches } from "./chain-matches.ts";
import type { ScopeClient } from "./client-questions.ts";
import type { TcpChain } from "./listener-inputs.ts";
import { serviceTcpChains } from "./tcp-chains.ts";

interface Context {
  readonly read: Read;
  readonly model: Model;
  readonly client: ScopeClient;
}

export interface ServiceOnPort {
  readonly service: MeshService;
  readonly port: MeshServicePort;
}

/** `services`, the oldest first: theirs come first, and the last chain takes the rest. */
export function portChains(services: readonly ServiceOnPort[], context: Context): readonly TcpChain[] {
  return settled(
    services.flatMap((each) => chainsWithoutAddress(each, context)),
    context,
  );
}

/** Of a service's own address. `sharers` are found there by server name; the rest is the service's. */
export function addressChains(
  { service, port }: ServiceOnPort,
  sharers: readonly ServiceOnPort[],
  context: Context,
): readonly TcpChain[] {
  const chains = serviceTcpChains(service, port, context);
  // Of names that the service and a sharer's wildcard have, its own are the service's.
  const byName = [{ service, port }, ...sharers].flatMap((each) =>
    named(serviceTcpChains(each.service, each.port, context), each.service, context),
  );
  const own = withHttp(chains, port, `${service.hostname}:${port.number}`);
  return settled(sharers.length === 0 ? own : [...byName, ...own], context);
}

function settled(chains: readonly TcpChain[], { read, model }: Context): readonly TcpChain[] {
  return withDefault(settleMatches(chains), read.one(model.settings));
}

/** Found by server name where the protocol is TLS, and by the address ranges of a ServiceEntry, if any. */
function chainsWithoutAddress({ service, port }: ServiceOnPort, context: Context): readonly TcpChain[] {
  const ranges = addressRanges(service);
  const own = serviceTcpChains(service, port, context);
  const chains = (isTls(port.protocol) ? named(own, service, context) : own).map((chain) => ({
    ...chain,
    destinationSubnets: chain.destinationSubnets.length > 0 ? chain.destinationSubnets : ranges,
  }));
  return withHttp(
    chains,
    port,
    ranges.length > 0 ? `${service.hostname}:${port.number}` : String(port.number),
  );
}

/** Chains without a server name get the service's own. */
function named(chains: readonly TcpChain[], service: MeshService, context: Context): readonly TcpChain[] {
  const serverNames = serverNamesOf(service, context);
  return chains.map((chain) => (chain.serverNames.length > 0 ? chain : { ...chain, serverNames }));
}

/** Clients of every namespace ask for an ExternalName Service by these names; a single word is known in one namespace. */
function serverNamesOf({ hostname, aliases }: MeshService, { read, model }: Context): readonly string[] {
  const elsewhere = `-.svc.${read.one(model.settings).clusterDomain}`;
  return [hostname, ...aliases.flatMap((alias) => [alias, ...alternativeHostnames(alias, elsewhere)])];
}

/** A chain with a range would take HTTP too: on a sniffed port that stays HTTP. */
function withHttp(
  chains: readonly TcpChain[],
  { protocol }: MeshServicePort,
  httpRouteName: string,
): readonly TcpChain[] {
  if (!isSniffed(protocol)) return chains;
  return chains.map((chain) => (chain.destinationSubnets.length === 0 ? chain : { ...chain, httpRouteName }));
}

/** The cluster for what no listener or route knows. */
export function otherwiseCluster({ allowsUnknownHosts }: MeshSettings): string {
  return allowsUnknownHosts ? PASSTHROUGH_CLUSTER : BLACK_HOLE_CLUSTER;
}

function withDefault(settled: readonly TcpChain[], settings: MeshSettings): readonly TcpChain[] {
  const isAny = ({ serverNames, destinationSubnets }: TcpChain) =>
    serverNames.length === 0 && destinationSubnets.length === 0;
  if (settled.some(isAny)) return settled;
  const destinations = [{ cluster: otherwiseCluster(settings), weight: 1 }];
  return [...settled, { serverNames: [], destinationSubnets: [], destinations, provenance: [] }];
}
