// The rules for one host of a gateway. Several VirtualServices may add to it: the oldest first, and rules that take
// every request last.

import { takesEveryRequest } from "../../kinds/virtual-service/every-request.ts";
import { routesOf } from "../http-routes.ts";
import type { RouteInputs } from "../route-inputs.ts";
import type { Binding } from "./bindings.ts";
import type { GatewayContext } from "./gateway-context.ts";

/** `bindings`: those of the host. */
export function hostnameRoutes(
  host: string,
  bindings: readonly Binding[],
  context: GatewayContext,
): readonly RouteInputs[] {
  const foundByObject = new Map<string, { readonly first: Binding; readonly gateways: Set<string> }>();
  for (const binding of bindings) {
    const { object } = binding.routes;
    const found = foundByObject.get(object) ?? { first: binding, gateways: new Set<string>() };
    found.gateways.add(binding.server.gateway);
    foundByObject.set(object, found);
  }
  const built = [...foundByObject.values()].flatMap(({ first, gateways }) => {
    const { port, tls } = first.server.server;
    const hasMeshClients = tls?.mode === "ISTIO_MUTUAL";
    const place = { port: port.number, hostname: host, gateways: [...gateways], hasMeshClients };
    return routesOf(first.routes, { ...context, ...place });
  });
  const takesAll = ({ match }: RouteInputs) => takesEveryRequest(match);
  return [...built.filter((route) => !takesAll(route)), ...built.filter(takesAll).slice(0, 1)];
}
