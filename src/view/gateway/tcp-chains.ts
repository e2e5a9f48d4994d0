// Gateway servers that forward bytes: by TLS server name, or all that come to a port.

import { hostnamesOverlap, isHostnameWithin } from "../../core/hostname.ts";
import { type GatewayServer, hasTls, isPassthrough } from "../../model/gateway-servers.ts";
import type { HostRoutes } from "../../model/host-routes.ts";
import { byAge } from "../../model/service.ts";
import { isVisibleTo } from "../../model/visibility.ts";
import type { GatewayChain } from "../listener-inputs.ts";
import { tcpChains, tlsChains } from "../tcp-chains.ts";
import type { GatewayContext } from "./gateway-context.ts";

/** Passthrough servers route by the VirtualServices' `tls` rules, others by `tcp` rules. */
export function gatewayTcpChains(server: GatewayServer, context: GatewayContext): readonly GatewayChain[] {
  const isByServerName = hasTls(server) && isPassthrough(server.server);
  return boundRoutes(server, context).flatMap((routes) => {
    const ofRoutes = {
      ...context,
      port: server.server.port.number,
      hostname: routes.hosts[0] ?? "",
      gateways: [server.gateway],
    };
    const chains = isByServerName ? tlsChains(routes, ofRoutes) : tcpChains(routes, ofRoutes);
    return chains
      .filter(({ destinations }) => destinations.length > 0)
      .map(({ serverNames, destinations, source }) => ({
        serverNames: serverNames.includes("*") ? [] : serverNames,
        forward: { kind: "tcp" as const, destinations, isPassthroughTls: isByServerName },
        source,
      }));
  });
}

/** The VirtualServices that name the server's Gateway and one of its hosts, oldest first. */
export function boundRoutes(
  server: GatewayServer,
  { model, read, proxy }: GatewayContext,
): readonly HostRoutes[] {
  return read
    .find(model.hostRoutes.byGateway, server.gateway)
    .map(([, routes]) => routes)
    .filter(
      (routes) => isVisibleTo(routes.visibility, proxy.namespace) && boundHosts(server, routes).length > 0,
    )
    .sort(byAge);
}

/** Hosts that both name: of two that overlap the narrower one. */
export function boundHosts(server: GatewayServer, routes: HostRoutes): readonly string[] {
  return routes.hosts.flatMap((host) => {
    const takers = server.hosts.filter(
      (each) =>
        (each.namespace === "*" || each.namespace === routes.namespace) && hostnamesOverlap(each.host, host),
    );
    if (takers.length === 0) return [];
    const isWithin = takers.some((each) => each.host === "*" || each.host === host || !host.startsWith("*"));
    return isWithin ? [host] : takers.map((each) => (isHostnameWithin(each.host, host) ? each.host : host));
  });
}
