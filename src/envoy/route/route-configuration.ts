// Virtual hosts and route configurations. The large ones are put together from fragments that many namespaces
// share: a virtual host's routes are encoded once, its domains for each namespace that spells them otherwise.

import {
  VirtualHost_TlsRequirementType,
  type VirtualHostSchema,
} from "../../gen/envoy/config/route/v3/route_components_pb.ts";
import type { RouteConfigurationSchema } from "../../gen/envoy/config/route/v3/route_pb.ts";
import type { VirtualHostInputs } from "../../view/route-inputs.ts";
import type { Plain } from "../encode.ts";
import { buildRoute } from "./route.ts";

export type RouteConfigurationInit = Plain<typeof RouteConfigurationSchema>;
export type VirtualHostInit = Plain<typeof VirtualHostSchema>;

/** All of a virtual host but its domains. */
export function buildVirtualHost({ name, routes, requiresTls }: VirtualHostInputs): VirtualHostInit {
  return {
    name,
    routes: routes.map(buildRoute),
    includeRequestAttemptCount: true,
    ...(requiresTls ? { requireTls: VirtualHost_TlsRequirementType.ALL } : {}),
  };
}

/** All of a route configuration but its virtual hosts. */
export function buildRouteConfigurationHeader(name: string): RouteConfigurationInit {
  return {
    name,
    // A route to a cluster that isn't there answers 503, as Istio's do; refusing the whole table would be worse.
    validateClusters: false,
    // The port of a Host header was settled by the listener.
    ignorePortInHostMatching: true,
    maxDirectResponseBodySizeBytes: 1_048_576,
  };
}

/** What happens to hosts that no virtual host names: passed through (ALLOW_ANY) or answered 502 (REGISTRY_ONLY). */
export function buildCatchAllVirtualHost(passthroughCluster: string | undefined): VirtualHostInit {
  if (passthroughCluster === undefined) {
    return {
      name: "block_all",
      domains: ["*"],
      routes: [
        {
          name: "block_all",
          match: { pathSpecifier: { case: "prefix", value: "/" } },
          action: { case: "directResponse", value: { status: 502 } },
        },
      ],
      includeRequestAttemptCount: true,
    };
  }
  return {
    name: "allow_any",
    domains: ["*"],
    routes: [
      {
        name: "allow_any",
        match: { pathSpecifier: { case: "prefix", value: "/" } },
        action: {
          case: "route",
          value: {
            clusterSpecifier: { case: "cluster", value: passthroughCluster },
            timeout: { seconds: 0n, nanos: 0 },
          },
        },
      },
    ],
    includeRequestAttemptCount: true,
  };
}
