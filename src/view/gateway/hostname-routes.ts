// The rules for one host of a gateway. Several VirtualServices may add to it: the oldest first, and rules that take
// every request last.

import { takesEveryRequest } from "../../kinds/virtual-service/every-request.ts";
import type { GatewayServer } from "../../model/gateway-servers.ts";
import { routesOf } from "../http-routes.ts";
import type { RouteInputs } from "../route-inputs.ts";
import type { GatewayContext } from "./gateway-context.ts";
import { boundHosts, boundRoutes } from "./tcp-chains.ts";

export function hostnameRoutes(
  host: string,
  servers: readonly GatewayServer[],
  context: GatewayContext,
): readonly RouteInputs[] {
  const gatewaysByRoutes = new Map<
    string,
    { readonly server: GatewayServer; readonly gateways: Set<string> }
  >();
  for (const server of servers) {
    for (const routes of boundRoutes(server, context)) {
      if (!boundHosts(server, routes).includes(host)) continue;
      const found = gatewaysByRoutes.get(routes.object) ?? { server, gateways: new Set<string>() };
      found.gateways.add(server.gateway);
      gatewaysByRoutes.set(routes.object, found);
    }
  }
  const built = [...gatewaysByRoutes].flatMap(([object, { server, gateways }]) => {
    const routes = boundRoutes(server, context).find((each) => each.object === object);
    if (routes === undefined) return [];
    const port = server.server.port.number;
    const hasMeshClients = server.server.tls?.mode === "ISTIO_MUTUAL";
    return routesOf(routes, { ...context, port, hostname: host, gateways: [...gateways], hasMeshClients });
  });
  const takesAll = ({ match }: RouteInputs) => takesEveryRequest(match);
  return [...built.filter((route) => !takesAll(route)), ...built.filter(takesAll).slice(0, 1)];
}
