// The verdict of a gateway on a call from outside: which server takes it, what its filters say, and whether a route is there.
// A gateway's servers end TLS themselves, unless they pass it through.

import type { Call, Peer } from "./call.ts";
import { type DecisionOptions, walkFilters } from "./decide-call.ts";
import type { Decision, Reason } from "./decision.ts";
import { enforcementOf, managerOf, named } from "./enforcing-chain.ts";
import { type FoundRoute, findRoute } from "./gateway-route.ts";
import type { JsonObject, ReceivedChain, ReceivedConfig, ReceivedRoutes } from "./received-config.ts";
import { type Open, open } from "./truth.ts";

export interface GatewayDecisionOptions extends DecisionOptions {
  /** The caller speaks TLS to the gateway. */
  readonly isTls: boolean;
}

export function decideAtGateway(
  config: ReceivedConfig,
  call: Call,
  options: GatewayDecisionOptions,
): Decision {
  if (config.listeners.length === 0) return outcome("depends", { kind: "no-listener" });
  const found = serverFor(config, call, options);
  if (found === undefined) return outcome("denied", { kind: "no-server" });
  if ("needs" in found) return outcome("depends", { kind: "open", needs: found.needs, rules: [] });
  const peer = peerAt(found, call);
  if (peer === undefined) return outcome("denied", { kind: "mutual-tls-only" });
  const chain = enforcementOf(found, config);
  const { decision, seen } = walkFilters(chain, asked({ ...call, peer }, chain.speaks), options);
  if (decision.verdict === "denied" || seen?.request === undefined) return decision;
  const routes = routesOf(managerOf(found) ?? {}, config);
  return routes === undefined ? decision : withRoute(decision, findRoute(routes, seen, options));
}

function outcome(verdict: Decision["verdict"], reason: Reason): Decision {
  return { verdict, reason, steps: [] };
}

/** Of a connection to a server of HTTP nobody said which requests come. */
function asked(call: Call, speaks: "http" | "bytes"): Call {
  if (speaks === "bytes" || call.request !== undefined) return call;
  return {
    ...call,
    request: { method: undefined, authority: undefined, path: undefined, headers: undefined },
  };
}

function serverFor(
  { listeners }: ReceivedConfig,
  { destinationPort, serverName }: Call,
  { isTls }: GatewayDecisionOptions,
): ReceivedChain | Open | undefined {
  const listener = listeners.find(({ address }) => address?.socket_address?.port_value === destinationPort);
  const chains = listener?.filter_chains ?? [];
  if (!isTls) {
    const [chain] = named(chains.filter(isForAnyName), (match) => match.transport_protocol, ["raw_buffer"]);
    // It would wait for a handshake.
    return chain?.transport_socket === undefined ? chain : undefined;
  }
  if (serverName === undefined && chains.some((chain) => !isForAnyName(chain)))
    return open("the server's name in TLS");
  const ofName = chainsOfName(chains, serverName?.known ?? "");
  const [chain] = named(ofName, (match) => match.transport_protocol, ["tls"]);
  return chain;
}

function isForAnyName({ filter_chain_match: match = {} }: ReceivedChain): boolean {
  return (match.server_names ?? []).length === 0;
}

/** As Envoy looks: the name itself, then wildcards from the longest on, then those that name none. */
function chainsOfName(chains: readonly ReceivedChain[], name: string): readonly ReceivedChain[] {
  const labels = name.toLowerCase().split(".");
  const wildcards = labels.slice(1).map((_, index) => `*.${labels.slice(index + 1).join(".")}`);
  for (const wanted of [labels.join("."), ...wildcards]) {
    const found = chains.filter(({ filter_chain_match: match = {} }) => match.server_names?.includes(wanted));
    if (found.length > 0) return found;
  }
  return chains.filter(isForAnyName);
}

const MESH_ROOTS = "ROOTCA";

/** Who the caller proves to be to this server; undefined where it wants a certificate and the caller has none. */
function peerAt({ transport_socket: socket }: ReceivedChain, { peer }: Call): Peer | undefined {
  const tls = socket?.typed_config ?? {};
  if (tls.require_client_certificate !== true) return { kind: "anonymous" };
  if (JSON.stringify(tls).includes(`"${MESH_ROOTS}"`)) return peer.kind === "certificate" ? peer : undefined;
  // Of another CA: who asks knows what is in it.
  return { kind: "certificate", names: undefined };
}

function routesOf(manager: JsonObject, { routeConfigs }: ReceivedConfig): ReceivedRoutes | undefined {
  const { route_config_name: name } = (manager.rds ?? {}) as { readonly route_config_name?: string };
  return name === undefined ? (manager.route_config as ReceivedRoutes | undefined) : routeConfigs.get(name);
}

function withRoute(decision: Decision, found: FoundRoute | Open | undefined): Decision {
  if (found === undefined) return decision;
  if ("needs" in found) {
    if (decision.verdict === "depends") return decision;
    return { ...decision, verdict: "depends", reason: { kind: "open", needs: found.needs, rules: [] } };
  }
  if (found.kind === "route") return found.from === undefined ? decision : { ...decision, route: found.from };
  return { ...decision, verdict: "denied", reason: { kind: found.kind } };
}
