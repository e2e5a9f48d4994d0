// Where the bytes of a service that isn't HTTP go: to its cluster, or as a VirtualService's `tcp` and `tls` rules say.

import { BLACK_HOLE_CLUSTER, outboundClusterName } from "../core/cluster-name.ts";
import { isTls } from "../core/protocol.ts";
import type { Read } from "../graph/read.ts";
import type { RouteDestination } from "../kinds/virtual-service/destination.ts";
import type { L4MatchAttributes, TlsMatchAttributes } from "../kinds/virtual-service/matching.ts";
import { MESH_GATEWAY } from "../model/gateway-name.ts";
import { byNearness, type HostRoutes } from "../model/host-routes.ts";
import { findByHost, findWithin, hostFor } from "../model/host-table.ts";
import type { Model } from "../model/model.ts";
import { type MeshService, type MeshServicePort, objectsOfPort } from "../model/service.ts";
import type { ScopeClient } from "./client-questions.ts";
import { type RouteContext, targetOf } from "./http-routes.ts";
import type { TcpChain, TcpDestination } from "./listener-inputs.ts";
import { isInScope } from "./match-scope.ts";

interface Context {
  readonly read: Read;
  readonly model: Model;
  readonly client: ScopeClient;
}

/**
 * Chains with a match first; the last one, without, is the service's cluster unless a rule takes everything. Where
 * rules for the service tell TLS server names apart, those that none names are nobody's: no chain takes them. Rules for
 * a host within a wildcard leave it the names of others.
 */
export function serviceTcpChains(
  service: MeshService,
  port: MeshServicePort,
  context: Context,
): readonly TcpChain[] {
  const routeContext = {
    ...context,
    port: port.number,
    hostname: service.hostname,
    gateways: [MESH_GATEWAY],
  };
  const chainsOf = (routes: HostRoutes) =>
    isTls(port.protocol) ? tlsChains(routes, routeContext) : tcpChains(routes, routeContext);
  const routes = streamRoutes(service, context)
    .filter((each) => context.client.follows(each))
    .sort(byNearness(context.client));
  const ruled = routes.flatMap(chainsOf);
  const takesAll = ruled.findIndex(
    ({ serverNames, destinationSubnets }) => serverNames.length + destinationSubnets.length === 0,
  );
  if (takesAll >= 0) return ruled.slice(0, takesAll + 1);
  const isForService = ({ hosts }: HostRoutes) => hostFor(hosts, service.hostname) !== undefined;
  if (isTls(port.protocol) && routes.some((each) => isForService(each) && chainsOf(each).length > 0))
    return ruled;
  return [...ruled, ownChain(service, port)];
}

/** The VirtualServices whose `tcp` and `tls` rules concern a service: for its host, or for one within its wildcard. */
export function streamRoutes(
  { hostname }: Pick<MeshService, "hostname">,
  { read, model }: Pick<Context, "read" | "model">,
): HostRoutes[] {
  const { ofSidecars } = model.hostRoutes;
  const found = [...findByHost(read, ofSidecars, hostname), ...findWithin(read, ofSidecars, hostname)];
  return [...new Map(found).values()];
}

function ownChain(service: MeshService, port: MeshServicePort): TcpChain {
  const cluster = outboundClusterName({ port: port.number, subset: "", hostname: service.hostname });
  return {
    serverNames: [],
    destinationSubnets: [],
    destinations: [{ cluster, weight: 1 }],
    provenance: [{ object: objectsOfPort(service, port.number)[0] }],
  };
}

/** The `tls` rules that concern the port and client, one chain for each match. */
export function tlsChains(routes: HostRoutes, context: RouteContext): readonly TcpChain[] {
  return routes.tls.flatMap(({ match, route = [] }, at) =>
    match
      .filter((each) => isInScope(each, routes.namespace, context))
      .map((each) =>
        chain({ routes, path: `spec.tls[${at}]`, route, match: each, serverNames: each.sniHosts }, context),
      ),
  );
}

/** The `tcp` rules that concern the port and client, one chain for each match; a rule without matches takes all. */
export function tcpChains(routes: HostRoutes, context: RouteContext): readonly TcpChain[] {
  return routes.tcp.flatMap(({ match = [{}], route = [] }, at) =>
    match
      .filter((each) => isInScope(each, routes.namespace, context))
      .map((each) =>
        chain({ routes, path: `spec.tcp[${at}]`, route, match: each, serverNames: [] }, context),
      ),
  );
}

interface WrittenChain {
  readonly routes: HostRoutes;
  readonly path: string;
  readonly route: readonly RouteDestination[];
  readonly match: L4MatchAttributes | TlsMatchAttributes;
  readonly serverNames: readonly string[];
}

function chain({ routes, path, route, match, serverNames }: WrittenChain, context: RouteContext): TcpChain {
  return {
    serverNames,
    destinationSubnets: match.destinationSubnets ?? [],
    destinations: destinationsOf(route, routes.namespace, context),
    provenance: [{ object: routes.object, path }],
  };
}

/** Where every weight is 0 nothing may pass. */
export function destinationsOf(
  route: readonly RouteDestination[],
  namespace: string,
  context: RouteContext,
): readonly TcpDestination[] {
  const clusterOf = ({ destination }: RouteDestination) =>
    outboundClusterName(targetOf(destination, namespace, context));
  const [only] = route;
  if (route.length === 1 && only !== undefined) return [{ cluster: clusterOf(only), weight: 1 }];
  const weighted = route.filter(({ weight = 0 }) => weight > 0);
  if (weighted.length === 0) return [{ cluster: BLACK_HOLE_CLUSTER, weight: 1 }];
  return weighted.map((each) => ({ cluster: clusterOf(each), weight: each.weight ?? 0 }));
}
