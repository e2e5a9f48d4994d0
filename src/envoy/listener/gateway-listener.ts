// A port that gateways open: filter chains by TLS server name, each with its certificate and its routes.

import { TrafficDirection } from "../../gen/envoy/config/core/v3/base_pb.ts";
import type { GatewayChain, GatewayListenerInputs } from "../../view/listener-inputs.ts";
import { buildRefusedConnectionLogs } from "./access-log.ts";
import { gatewayServerTls } from "./downstream-tls.ts";
import { buildFilterChain } from "./filter-chain.ts";
import type { FilterChainInit, HttpForward } from "./filter-chain-inputs.ts";
import { buildListener, type ListenerInit } from "./listener.ts";
import { EVERY_PORT } from "./listener-filters.ts";

/** Chains with equal matches were merged before: Envoy refuses a listener that has two. */
export function buildGatewayListener(inputs: GatewayListenerInputs): ListenerInit {
  const { name, address, additionalAddress, port, chains } = inputs;
  const readsTls = chains.some(({ tls, serverNames }) => tls !== undefined || serverNames.length > 0);
  return buildListener({
    name,
    addresses: [address, additionalAddress],
    port,
    direction: TrafficDirection.OUTBOUND,
    inspection: {
      ...(readsTls && { tls: EVERY_PORT }),
      proxyProtocol: inputs.settings.topology?.speaksProxyProtocol ?? false,
    },
    refusedConnectionLogs: buildRefusedConnectionLogs(inputs.settings),
    chains: chains.map((chain) => gatewayFilterChain(chain, inputs)),
  });
}

function gatewayFilterChain(chain: GatewayChain, inputs: GatewayListenerInputs): FilterChainInit {
  const { forward, tls, serverNames } = chain;
  return buildFilterChain({
    ...(serverNames.length === 0 ? {} : { match: { serverNames: [...serverNames] } }),
    forward:
      forward.kind === "http" ? httpForward(forward.routeName, inputs) : { ...forward, side: "gateway" },
    ...(tls !== undefined && {
      transportSocket: gatewayServerTls(tls, { isHttp: forward.kind === "http", settings: inputs.settings }),
    }),
    provenance: chain.provenance,
    settings: inputs.settings,
  });
}

function httpForward(routeName: string, { name }: GatewayListenerInputs): HttpForward {
  return { kind: "http", side: "gateway", statPrefix: `outbound_${name}`, routeName, hasGrpcWeb: false };
}
