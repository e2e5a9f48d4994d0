// A listener for one port (or one service's address and port) of the services that a workload calls. It binds
// nothing: virtualOutbound hands it the connections that were going there.

import { TrafficDirection } from "../../gen/envoy/config/core/v3/base_pb.ts";
import type { ListenerSchema } from "../../gen/envoy/config/listener/v3/listener_pb.ts";
import type { OutboundListenerInputs } from "../../view/listener-inputs.ts";
import { bothAddresses } from "../address.ts";
import { durationMessage } from "../duration-message.ts";
import type { Plain } from "../encode.ts";
import { buildFilterChain, buildTcpChain } from "./filter-chain.ts";
import type { FilterChainInit } from "./filter-chain-inputs.ts";
import { httpInspectorFilter, tlsInspectorFilter } from "./listener-filters.ts";

export type ListenerInit = Plain<typeof ListenerSchema>;

export const outboundListenerFields: readonly string[] = ["MeshConfig.protocolDetectionTimeout"];

/** Plaintext HTTP, found by its first bytes, takes the route table; all else is matched by the TCP chains in order. */
export function buildOutboundListener(inputs: OutboundListenerInputs): ListenerInit {
  const { name, address, additionalAddress, port, http, tcp, settings } = inputs;
  const chains = tcp.map((chain) => buildTcpChain(chain, settings));
  const defaultFilterChain = chains.find(({ filterChainMatch }) => filterChainMatch === undefined);
  const filterChains = [
    ...(http === undefined ? [] : [httpFilterChain(inputs, http)]),
    ...chains.filter(({ filterChainMatch }) => filterChainMatch !== undefined),
  ];
  const isSniffed = http !== undefined;
  return {
    name,
    ...bothAddresses([address, additionalAddress], port),
    bindToPort: false,
    trafficDirection: TrafficDirection.OUTBOUND,
    filterChains,
    ...(defaultFilterChain === undefined ? {} : { defaultFilterChain }),
    ...(isSniffed || filterChains.length > 0
      ? {
          listenerFilters: [tlsInspectorFilter(), ...(isSniffed ? [httpInspectorFilter()] : [])],
          listenerFiltersTimeout: durationMessage(settings.protocolDetectionTimeout),
          continueOnListenerFiltersTimeout: true,
        }
      : {}),
  };
}

function httpFilterChain(
  { name, settings }: OutboundListenerInputs,
  { routeName, hasGrpcWeb }: NonNullable<OutboundListenerInputs["http"]>,
): FilterChainInit {
  return buildFilterChain({
    match: { transportProtocol: "raw_buffer", applicationProtocols: ["http/1.1", "h2c"] },
    forward: { kind: "http", side: "outbound", statPrefix: `outbound_${name}`, routeName, hasGrpcWeb },
    settings,
  });
}
