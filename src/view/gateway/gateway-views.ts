// What a gateway's proxy gets beside clusters: a listener for each port of the Gateways that select it, and route
// configurations for those that speak HTTP. Proxies with the same view share one row.

import { wildcardsOf } from "../../core/ip-families.ts";
import type { Graph } from "../../graph/graph.ts";
import type { Table } from "../../graph/table.ts";
import {
  type GatewayPort,
  type GatewayServer,
  gatewayPorts,
  hasTls,
  isHttpServer,
  isPassthrough,
} from "../../model/gateway-servers.ts";
import type { Model } from "../../model/model.ts";
import { matchableNames } from "../chain-matches.ts";
import { clientOf } from "../client-questions.ts";
import type { ClientScopes } from "../client-scope.ts";
import type { GatewayChain, GatewayListenerInputs } from "../listener-inputs.ts";
import { listenerSettings } from "../outbound-listeners.ts";
import { type OwnSide, type OwnSides, viewsOfProxies } from "../own-sides.ts";
import { contentId } from "../shared-rows.ts";
import { telemetryOf } from "../workload-telemetry.ts";
import type { GatewayContext } from "./gateway-context.ts";
import { type GatewayRouteInputs, gatewayRoutes, routeNameOf } from "./gateway-routes.ts";
import { gatewayTopology } from "./gateway-topology.ts";
import { gatewayTcpChains } from "./tcp-chains.ts";
import { secretNames } from "./tls-secrets.ts";

export interface GatewayView {
  readonly id: string;
  readonly namespace: string;
  readonly listeners: readonly GatewayListenerInputs[];
  readonly routes: readonly GatewayRouteInputs[];
}

/** Rows by the proxy's key, for gateways only. */
export function declareGatewayViews(
  graph: Graph,
  model: Model,
  { scopes, sides }: { readonly scopes: ClientScopes; readonly sides: OwnSides },
): Table<GatewayView> {
  const views = graph.derive<OwnSide, GatewayView>({
    name: "gateway views of own sides",
    from: sides.table,
    rows: (key, side, read) => {
      if (side.scope === undefined) return [];
      const client = clientOf(side.scope, scopes.identity, read);
      return [[key, gatewayView({ side, client, model, read })]];
    },
  });
  return viewsOfProxies(graph, { name: "gateway views of proxies", sides, views });
}

function gatewayView(context: GatewayContext): GatewayView {
  const { asksSeveralProviders } = context.side;
  const ports = gatewayPorts(context.side, context.client.families(), context);
  const topology = gatewayTopology(context);
  const own = { ...(asksSeveralProviders && { asksSeveralProviders }), ...(topology && { topology }) };
  const listeners = ports
    .flatMap((port) => listenerOf(port, context) ?? [])
    .map((listener) => ({ ...listener, settings: { ...listener.settings, ...own } }));
  const served = new Set(listeners.flatMap(({ chains }) => chains.flatMap(routeNamesOf)));
  const routes = ports.flatMap((port) => gatewayRoutes(port, context)).filter(({ name }) => served.has(name));
  // Secrets are the namespace's own, so gateways of two namespaces differ even where their listeners don't.
  const { namespace } = context.side;
  return { id: contentId([namespace, listeners, routes]), namespace, listeners, routes };
}

function routeNamesOf({ forward }: GatewayChain): readonly string[] {
  return forward.kind === "http" ? [forward.routeName] : [];
}

/** Undefined where nothing can be served: a listener without filter chains is refused by Envoy. */
function listenerOf(port: GatewayPort, context: GatewayContext): GatewayListenerInputs | undefined {
  const chains = withoutRepeats(port.servers.flatMap((server) => chainsOf(server, port, context)));
  if (chains.length === 0) return undefined;
  const { read, model } = context;
  const { namespace, workloadLabels: labels } = context.side;
  const { client, provenance } = telemetryOf(read, model, { namespace, labels });
  const [, secondWildcard] = wildcardsOf(context.client.families());
  return {
    name: `${port.bind}_${port.listenPort}`,
    address: port.bind,
    ...(port.isEveryAddress && secondWildcard !== undefined ? { additionalAddress: secondWildcard } : {}),
    port: port.listenPort,
    chains,
    settings: listenerSettings(context.read.one(context.model.settings), client),
    provenance,
  };
}

function chainsOf(
  server: GatewayServer,
  port: GatewayPort,
  context: GatewayContext,
): readonly GatewayChain[] {
  const provenance = [{ object: server.object, path: server.path }];
  if (isPassthrough(server.server) || !isHttpServer(server)) return tcpChainsOf(server, context);
  const forward = { kind: "http" as const, routeName: routeNameOf(server, port) };
  if (!hasTls(server)) return [{ serverNames: [], forward, provenance }];
  const tls = secretNames(server, context);
  // Until its certificate exists, a server can't be offered: Envoy would wait for it before it takes any other.
  return tls === undefined ? [] : [{ serverNames: serverNamesOf(server), tls, forward, provenance }];
}

function tcpChainsOf(server: GatewayServer, context: GatewayContext): readonly GatewayChain[] {
  const chains = gatewayTcpChains(server, context);
  if (!hasTls(server) || isPassthrough(server.server)) return chains;
  const tls = secretNames(server, context);
  if (tls === undefined) return [];
  return chains.map((chain) => ({
    ...chain,
    tls,
    serverNames: chain.serverNames.length > 0 ? chain.serverNames : serverNamesOf(server),
  }));
}

/** `*` takes any name, and clients that send none. */
function serverNamesOf({ hosts }: GatewayServer): readonly string[] {
  const names = [...new Set(hosts.map(({ host }) => host))];
  return names.includes("*") ? [] : names.sort();
}

/** Of chains with an equal match Envoy takes one only: the oldest Gateway's. A name claimed twice stays with the first. */
function withoutRepeats(chains: readonly GatewayChain[]): readonly GatewayChain[] {
  const taken = new Set<string>();
  return chains.flatMap((chain) => {
    const wanted = chain.serverNames.length === 0 ? ["*"] : matchableNames(chain.serverNames);
    const free = wanted.filter((name) => !taken.has(name));
    for (const name of free) taken.add(name);
    if (free.length === 0) return [];
    return [chain.serverNames.length === 0 ? chain : { ...chain, serverNames: free }];
  });
}
