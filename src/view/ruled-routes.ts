// Which VirtualService a sidecar follows for a host and port. Several for one host don't add up: of those that have rules
// for the client there, the most specific holds, then the nearest to the client, then the oldest.

import { compareHostnames } from "../core/hostname.ts";
import type { Read } from "../graph/read.ts";
import { MESH_GATEWAY } from "../model/gateway-name.ts";
import { byNearness, type HostRoutes } from "../model/host-routes.ts";
import { findByHost, hostFor } from "../model/host-table.ts";
import type { Model } from "../model/model.ts";
import type { ScopeClient } from "./client-questions.ts";
import { type RouteContext, routesOf } from "./http-routes.ts";
import type { RouteInputs } from "./route-inputs.ts";

export interface SidecarContext {
  readonly read: Read;
  readonly model: Model;
  readonly client: ScopeClient;
}

interface CalledHost {
  readonly hostname: string;
  readonly port: number;
}

export interface RuledRoutes {
  readonly routes: HostRoutes;
  /** At least one. */
  readonly built: readonly RouteInputs[];
}

/** Undefined where no VirtualService has a rule. */
export function ruledRoutes(
  { hostname, port }: CalledHost,
  context: SidecarContext,
): RuledRoutes | undefined {
  for (const routes of visibleRoutes(hostname, context)) {
    const built = routesOf(routes, routeContext(hostname, port, context));
    if (built.length > 0) return { routes, built };
  }
  return undefined;
}

export function routeContext(
  hostname: string,
  port: number,
  { read, model, client }: SidecarContext,
): RouteContext {
  return { read, model, client, port, hostname, gateways: [MESH_GATEWAY] };
}

function visibleRoutes(hostname: string, { read, model, client }: SidecarContext): readonly HostRoutes[] {
  const inOrder = byNearness(client);
  return findByHost(read, model.hostRoutes.ofSidecars, hostname)
    .map(([, routes]) => ({ routes, host: hostFor(routes.hosts, hostname) ?? "*" }))
    .filter(({ routes }) => client.follows(routes))
    .sort((a, b) => compareHostnames(a.host, b.host) || inOrder(a.routes, b.routes))
    .map(({ routes }) => routes);
}
