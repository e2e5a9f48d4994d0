// The route configurations of a workload's own side: one for each port that may speak HTTP, which sends every host to
// the application. They come by RDS under names that depend on the port alone, so what is said by route never touches
// the listener, whose connections a change would close.

import { INBOUND_PASSTHROUGH_CLUSTER, inboundClusterName } from "../../core/cluster-name.ts";
import { isGrpc, isHttp, isSniffed, type Protocol } from "../../core/protocol.ts";
import type { HeaderMatcherSchema } from "../../gen/envoy/config/route/v3/route_components_pb.ts";
import { type ClaimedField, claims } from "../../kinds/claims.ts";
import { meshConfigKind } from "../../kinds/mesh-config/mesh-config.ts";
import type { HttpRetry } from "../../kinds/virtual-service/http-route.ts";
import type { InboundListenerInputs } from "../../view/listener-inputs.ts";
import type { Plain } from "../encode.ts";
import { buildRoute } from "./route.ts";
import type { RouteConfigurationInit } from "./route-configuration.ts";
import type { RouteInit } from "./route-feature.ts";

export const inboundRouteFields: readonly ClaimedField[] = claims(
  meshConfigKind,
  "spec.defaultInboundHttpRetryPolicy",
  ["attempts", "retryOn", "backoff"],
);

/** All that the listener of the same inputs refers to. */
export function buildInboundRoutes(
  { ports }: InboundListenerInputs,
  retries: HttpRetry,
): RouteConfigurationInit[] {
  const ofHttp = ports.filter(({ protocol }) => isHttp(protocol) || isSniffed(protocol));
  return [
    ...ofHttp.map(({ port, protocol }) =>
      buildInboundRoute(port, inboundClusterName(port), retriesOf(protocol, retries)),
    ),
    // Of ports that no service names: their protocol is found by the first bytes.
    buildInboundRoute(0, INBOUND_PASSTHROUGH_CLUSTER, retries),
  ];
}

/** None where streams are expected, whose start can't be sent a second time, as in Istio. */
function retriesOf(protocol: Protocol, retries: HttpRetry): HttpRetry {
  return isGrpc(protocol) ? { attempts: 0 } : retries;
}

function buildInboundRoute(port: number, cluster: string, defaultRetries: HttpRetry): RouteConfigurationInit {
  const route = buildRoute({
    name: "default",
    destinations: [{ cluster, weight: 1, isSniffed: false }],
    mirrors: [],
    operation: `:${port}/*`,
    defaultRetries,
    provenance: [],
  });
  return {
    name: cluster,
    validateClusters: false,
    virtualHosts: [{ name: `inbound|http|${port}`, domains: ["*"], routes: [ofOneHost(route), TWO_HOSTS] }],
  };
}

/**
 * Of two Host headers Envoy makes one with a comma: no rule of an AuthorizationPolicy names it, and what the application
 * makes of it nobody knows. RFC 9112, section 3.2: a server answers 400.
 */
function ofOneHost(route: RouteInit): RouteInit {
  const host: Plain<typeof HeaderMatcherSchema> = {
    name: ":authority",
    treatMissingHeaderAsEmpty: true,
    headerMatchSpecifier: {
      case: "stringMatch",
      value: { matchPattern: { case: "safeRegex", value: { regex: "[^,]*" } } },
    },
  };
  return { ...route, match: { ...route.match, headers: [host] } } as RouteInit;
}

const TWO_HOSTS: RouteInit = {
  name: "two-hosts",
  match: { pathSpecifier: { case: "prefix", value: "/" } },
  action: { case: "directResponse", value: { status: 400 } },
};
