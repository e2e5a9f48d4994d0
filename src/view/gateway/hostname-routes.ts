// The rules for one host of a gateway. Several VirtualServices may add to it: the oldest first, and rules that take
// every request last.

import { takesEveryRequest } from "../../kinds/virtual-service/every-request.ts";
import type { GatewayServer } from "../../model/gateway-servers.ts";
import { routesOf } from "../http-routes.ts";
import type { RouteInputs } from "../route-inputs.ts";
import type { GatewayQuestion } from "./gateway-views.ts";
import { boundHosts, boundRoutes } from "./tcp-chains.ts";

export function hostnameRoutes(
  host: string,
  servers: readonly GatewayServer[],
  question: GatewayQuestion,
): readonly RouteInputs[] {
  const gatewaysByRoutes = new Map<
    string,
    { readonly server: GatewayServer; readonly gateways: Set<string> }
  >();
  for (const server of servers) {
    for (const routes of boundRoutes(server, question)) {
      if (!boundHosts(server, routes).includes(host)) continue;
      const found = gatewaysByRoutes.get(routes.object) ?? { server, gateways: new Set<string>() };
      found.gateways.add(server.gateway);
      gatewaysByRoutes.set(routes.object, found);
    }
  }
  const built = [...gatewaysByRoutes].flatMap(([object, { server, gateways }]) => {
    const routes = boundRoutes(server, question).find((each) => each.object === object);
    if (routes === undefined) return [];
    const port = server.server.port.number;
    const hasMeshClients = server.server.tls?.mode === "ISTIO_MUTUAL";
    return routesOf(routes, { ...question, port, hostname: host, gateways: [...gateways], hasMeshClients });
  });
  const takesAll = ({ match }: RouteInputs) => takesEveryRequest(match);
  return [...built.filter((route) => !takesAll(route)), ...built.filter(takesAll).slice(0, 1)];
}
