// The route configurations of a gateway: each host's rules from all VirtualServices bound to it, merged.

import { type GatewayPort, type GatewayServer, hasTls, isHttpServer } from "../../model/gateway-servers.ts";
import { writtenHostDomains } from "../../model/virtual-host-domains.ts";
import type { VirtualHostInputs } from "../route-inputs.ts";
import { type Binding, bindingsOf, groupByHost } from "./bindings.ts";
import type { GatewayContext } from "./gateway-context.ts";
import { hostnameRoutes } from "./hostname-routes.ts";

export interface GatewayVirtualHost extends VirtualHostInputs {
  readonly domains: readonly string[];
}

export interface GatewayRouteInputs {
  readonly name: string;
  readonly virtualHosts: readonly GatewayVirtualHost[];
}

/** Plaintext servers of an address and port share a table; each TLS server has its own, since its names chose it already. */
export function routeNameOf(
  server: GatewayServer,
  { listenPort, bind, isEveryAddress }: GatewayPort,
): string {
  if (!hasTls(server)) return isEveryAddress ? `http.${listenPort}` : `http.${listenPort}.${bind}`;
  const { port } = server.server;
  const [namespace, name] = server.gateway.split("/");
  return `https.${port.number}.${port.name}.${name}.${namespace}`;
}

export function gatewayRoutes(port: GatewayPort, context: GatewayContext): readonly GatewayRouteInputs[] {
  const serversByRoute = new Map<string, GatewayServer[]>();
  for (const server of port.servers.filter(isHttpServer)) {
    const name = routeNameOf(server, port);
    serversByRoute.set(name, [...(serversByRoute.get(name) ?? []), server]);
  }
  return [...serversByRoute].map(([name, servers]) => ({
    name,
    virtualHosts: virtualHosts(servers, port, context),
  }));
}

function virtualHosts(
  servers: readonly GatewayServer[],
  port: GatewayPort,
  context: GatewayContext,
): readonly GatewayVirtualHost[] {
  const bindings = servers.flatMap((server) => bindingsOf(server, context));
  const bindingsByHost = groupByHost(bindings);
  const redirected = new Set(redirectedHosts(servers, bindings));
  const hosts = new Set([...bindingsByHost.keys(), ...redirected]);
  const found = [...hosts].sort().flatMap((host): GatewayVirtualHost[] => {
    const routes = hostnameRoutes(host, bindingsByHost.get(host) ?? [], context);
    const requiresTls = redirected.has(host);
    if (routes.length === 0 && !requiresTls) return [];
    return [{ name: `${host}:${port.port}`, domains: writtenHostDomains(host), routes, requiresTls }];
  });
  if (found.some(({ domains }) => domains.includes("*"))) return found;
  // Hosts that nobody serves get a plain 404.
  return [...found, { name: `blackhole:${port.port}`, domains: ["*"], routes: [], requiresTls: false }];
}

/** A redirect needs no rule behind it. */
function* redirectedHosts(servers: readonly GatewayServer[], bindings: readonly Binding[]): Iterable<string> {
  const isRedirected = (server: GatewayServer) =>
    server.server.tls?.httpsRedirect === true && !hasTls(server);
  for (const { server, hosts } of bindings) if (isRedirected(server)) yield* hosts;
  for (const server of servers.filter(isRedirected)) yield* server.hosts.map(({ host }) => host);
}
