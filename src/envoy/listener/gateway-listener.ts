// A port that gateways open: filter chains by TLS server name, each with its certificate and its routes.

import { TrafficDirection } from "../../gen/envoy/config/core/v3/base_pb.ts";
import type { GatewayChain, GatewayListenerInputs } from "../../view/listener-inputs.ts";
import { bothAddresses } from "../address.ts";
import { gatewayServerTls } from "./downstream-tls.ts";
import { buildFilterChain } from "./filter-chain.ts";
import type { FilterChainInit, HttpForward } from "./filter-chain-inputs.ts";
import { tlsInspectorFilter } from "./listener-filters.ts";
import type { ListenerInit } from "./outbound-listener.ts";

/** Chains with equal matches were merged before: Envoy refuses a listener that has two. */
export function buildGatewayListener(inputs: GatewayListenerInputs): ListenerInit {
  const { name, address, additionalAddress, port, chains } = inputs;
  const readsTls = chains.some(({ tls, serverNames }) => tls !== undefined || serverNames.length > 0);
  return {
    name,
    ...bothAddresses([address, additionalAddress], port),
    trafficDirection: TrafficDirection.OUTBOUND,
    filterChains: chains.map((chain) => gatewayFilterChain(chain, inputs)),
    ...(readsTls ? { listenerFilters: [tlsInspectorFilter()] } : {}),
  };
}

function gatewayFilterChain(chain: GatewayChain, inputs: GatewayListenerInputs): FilterChainInit {
  const { forward, tls, serverNames } = chain;
  return buildFilterChain({
    ...(serverNames.length === 0 ? {} : { match: { serverNames: [...serverNames] } }),
    forward: forward.kind === "http" ? httpForward(forward.routeName, inputs) : forward,
    ...(tls === undefined ? {} : { transportSocket: gatewayServerTls(tls, forward.kind === "http") }),
    source: chain.source,
    settings: inputs.settings,
  });
}

function httpForward(routeName: string, { name }: GatewayListenerInputs): HttpForward {
  return { kind: "http", side: "gateway", statPrefix: `outbound_${name}`, routeName, hasGrpcWeb: false };
}
