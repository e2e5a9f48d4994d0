// A port that gateways open: filter chains by TLS server name, each with its certificate and its routes.

import { TrafficDirection } from "../../gen/envoy/config/core/v3/base_pb.ts";
import type { GatewayChain, GatewayListenerInputs } from "../../view/listener-inputs.ts";
import { bothAddresses } from "../address.ts";
import { provenanceMetadata } from "../provenance.ts";
import { gatewayServerTls } from "./downstream-tls.ts";
import type { FilterChainInit } from "./filter-chain.ts";
import { httpConnectionManagerFilter } from "./http-connection-manager.ts";
import { tlsInspectorFilter } from "./listener-filters.ts";
import type { ListenerInit } from "./outbound-listener.ts";
import { tcpProxyFilter } from "./tcp-proxy.ts";

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
  return {
    filters: [
      forward.kind === "http"
        ? httpFilter(forward.routeName, inputs)
        : tcpProxyFilter(forward.destinations, inputs.settings),
    ],
    metadata: provenanceMetadata(chain.source),
    ...(serverNames.length === 0 ? {} : { filterChainMatch: { serverNames: [...serverNames] } }),
    ...(tls === undefined ? {} : { transportSocket: gatewayServerTls(tls, forward.kind === "http") }),
  };
}

function httpFilter(routeName: string, { name, settings }: GatewayListenerInputs) {
  return httpConnectionManagerFilter({
    side: "gateway",
    statPrefix: `outbound_${name}`,
    routes: { kind: "discovered", name: routeName },
    hasGrpcWeb: false,
    settings,
  });
}
