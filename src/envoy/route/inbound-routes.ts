// The route configurations of a workload's own side: one for each port that may speak HTTP, which sends every host to
// the application. They come by RDS under names that depend on the port alone, so what is said by route never touches
// the listener, whose connections a change would close.

import { INBOUND_PASSTHROUGH_CLUSTER, inboundClusterName } from "../../core/cluster-name.ts";
import { isHttp, isSniffed } from "../../core/protocol.ts";
import type { InboundListenerInputs } from "../../view/listener-inputs.ts";
import { buildRoute } from "./route.ts";
import type { RouteConfigurationInit } from "./route-configuration.ts";

/** All that the listener of the same inputs refers to. */
export function buildInboundRoutes({ ports }: InboundListenerInputs): RouteConfigurationInit[] {
  const ofHttp = ports.filter(({ protocol }) => isHttp(protocol) || isSniffed(protocol));
  return [
    ...ofHttp.map(({ port }) => buildInboundRoute(port, inboundClusterName(port))),
    // Of ports that no service names: their protocol is found by the first bytes.
    buildInboundRoute(0, INBOUND_PASSTHROUGH_CLUSTER),
  ];
}

function buildInboundRoute(port: number, cluster: string): RouteConfigurationInit {
  const route = buildRoute({
    name: "default",
    destinations: [{ cluster, weight: 1, isSniffed: false }],
    mirrors: [],
    operation: `:${port}/*`,
    // The client's sidecar retries; a second retry here would multiply its attempts.
    defaultRetries: { attempts: 0 },
    source: [],
  });
  return {
    name: cluster,
    validateClusters: false,
    virtualHosts: [{ name: `inbound|http|${port}`, domains: ["*"], routes: [route] }],
  };
}
