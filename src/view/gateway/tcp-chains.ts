// Gateway servers that forward bytes: by TLS server name, or all that come to a port.

import { type GatewayServer, hasTls, isPassthrough } from "../../model/gateway-servers.ts";
import type { GatewayChain, TcpChain } from "../listener-inputs.ts";
import { tcpChains, tlsChains } from "../tcp-chains.ts";
import { bindingsOf, servedNames } from "./bindings.ts";
import type { GatewayContext } from "./gateway-context.ts";

/** Passthrough servers route by the VirtualServices' `tls` rules, others by `tcp` rules. */
export function gatewayTcpChains(server: GatewayServer, context: GatewayContext): readonly GatewayChain[] {
  const isByServerName = hasTls(server) && isPassthrough(server.server);
  return bindingsOf(server, context).flatMap(({ routes }) => {
    const ofRoutes = {
      ...context,
      port: server.server.port.number,
      hostname: routes.hosts[0] ?? "",
      gateways: [server.gateway],
    };
    const chains = isByServerName
      ? tlsChains(routes, ofRoutes).flatMap((chain) => within(server, routes.namespace, chain))
      : tcpChains(routes, ofRoutes);
    return chains
      .filter(({ destinations }) => destinations.length > 0)
      .map(({ serverNames, destinations, provenance }) => ({
        serverNames: serverNames.includes("*") ? [] : serverNames,
        forward: { kind: "tcp" as const, destinations, isPassthroughTls: isByServerName },
        provenance,
      }));
  });
}

function within(server: GatewayServer, namespace: string, chain: TcpChain): readonly TcpChain[] {
  const serverNames = servedNames(chain.serverNames, namespace, server);
  return serverNames.length === 0 ? [] : [{ ...chain, serverNames }];
}
