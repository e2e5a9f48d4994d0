// A listener for one port (or one service's address and port) of the services that a workload calls. It binds
// nothing: virtualOutbound hands it the connections that were going there.

import { TrafficDirection } from "../../gen/envoy/config/core/v3/base_pb.ts";
import { type ClaimedField, claims } from "../../kinds/claims.ts";
import { meshConfigKind } from "../../kinds/mesh-config/mesh-config.ts";
import type {
  ListenerSettings,
  OutboundHttp,
  OutboundListenerInputs,
  TcpChain,
} from "../../view/listener-inputs.ts";
import { buildFilterChain, buildTcpChain, cidrRange } from "./filter-chain.ts";
import type { FilterChainInit } from "./filter-chain-inputs.ts";
import { buildListener, type ListenerInit } from "./listener.ts";
import { EVERY_PORT } from "./listener-filters.ts";

export const outboundListenerFields: readonly ClaimedField[] = claims(meshConfigKind, [
  "spec.protocolDetectionTimeout",
]);

/** Plaintext HTTP, found by its first bytes, takes the route table; all else is matched by the TCP chains in order. */
export function buildOutboundListener(inputs: OutboundListenerInputs): ListenerInit {
  const { name, address, additionalAddress, port, http, tcp, settings } = inputs;
  const chains = tcp.flatMap((chain) => tcpChains(chain, settings));
  const defaultFilterChain = chains.find(({ filterChainMatch }) => filterChainMatch === undefined);
  const httpChains = [
    ...(http === undefined ? [] : [httpFilterChain(inputs, http, [])]),
    ...tcp.flatMap((chain) => httpChainOfRange(inputs, chain)),
  ];
  const filterChains = [
    ...httpChains,
    ...chains.filter(({ filterChainMatch }) => filterChainMatch !== undefined),
  ];
  const isHttp = httpChains.length > 0;
  const listener = buildListener({
    name,
    addresses: [address, additionalAddress],
    port,
    direction: TrafficDirection.OUTBOUND,
    inspection: {
      ...(filterChains.length > 0 ? { tls: EVERY_PORT } : {}),
      ...(isHttp ? { http: EVERY_PORT } : {}),
    },
    inspectionTimeout: settings.protocolDetectionTimeout,
    chains: filterChains,
    defaultChain: defaultFilterChain,
  });
  return { ...listener, bindToPort: false };
}

function httpChainOfRange(
  inputs: OutboundListenerInputs,
  { httpRouteName, destinationSubnets }: TcpChain,
): readonly FilterChainInit[] {
  if (httpRouteName === undefined) return [];
  return [httpFilterChain(inputs, { routeName: httpRouteName, hasGrpcWeb: false }, destinationSubnets)];
}

/** Envoy decides by transport protocol before it looks at HTTP, and never goes back: bytes need a chain beside HTTP's. */
function tcpChains(chain: TcpChain, settings: ListenerSettings): readonly FilterChainInit[] {
  const matched = buildTcpChain(chain, settings);
  if (chain.httpRouteName === undefined) return [matched];
  const { filterChainMatch } = matched;
  return [
    matched,
    { ...matched, filterChainMatch: { ...filterChainMatch, transportProtocol: "raw_buffer" } },
  ];
}

function httpFilterChain(
  { name, settings }: OutboundListenerInputs,
  { routeName, hasGrpcWeb }: OutboundHttp,
  ranges: readonly string[],
): FilterChainInit {
  return buildFilterChain({
    match: {
      transportProtocol: "raw_buffer",
      applicationProtocols: ["http/1.1", "h2c"],
      ...(ranges.length === 0 ? {} : { prefixRanges: ranges.map(cidrRange) }),
    },
    forward: { kind: "http", side: "outbound", statPrefix: `outbound_${name}`, routeName, hasGrpcWeb },
    settings,
  });
}
