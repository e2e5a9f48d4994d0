// Limits on connections and requests to a cluster: what Envoy calls circuit breakers, and TCP's own settings.

import { TcpProtocolOptionsSchema } from "../../gen/envoy/extensions/upstreams/tcp/v3/tcp_protocol_options_pb.ts";
import { claims } from "../../kinds/claims.ts";
import type { TcpKeepalive } from "../../kinds/destination-rule/connection-pool.ts";
import { destinationRuleKind } from "../../kinds/destination-rule/destination-rule.ts";
import type { RetryBudget } from "../../kinds/destination-rule/traffic-policy.ts";
import { meshConfigKind } from "../../kinds/mesh-config/mesh-config.ts";
import { durationMessage } from "../duration-message.ts";
import { typedConfig } from "../encode.ts";
import type { ClusterFeature } from "./cluster-feature.ts";

// No limit: Envoy's own defaults (1024 connections, 3 retries) would surprise who set none.
const UNLIMITED = 4_294_967_295;

const TCP_PROTOCOL_OPTIONS = "envoy.extensions.upstreams.tcp.v3.TcpProtocolOptions";

export const connectionPoolFeature: ClusterFeature = {
  fields: [
    ...claims(destinationRuleKind, "spec.trafficPolicy.connectionPool", [
      "tcp.maxConnections",
      "tcp.connectTimeout",
      "tcp.tcpKeepalive.probes",
      "tcp.tcpKeepalive.time",
      "tcp.tcpKeepalive.interval",
      "tcp.maxConnectionDuration",
      "tcp.idleTimeout",
      "http.http1MaxPendingRequests",
      "http.http2MaxRequests",
      "http.maxRetries",
    ]),
    ...claims(destinationRuleKind, "spec.trafficPolicy.retryBudget", [
      "percent",
      "minRetryConcurrency",
      "budgetInterval",
    ]),
    ...claims(meshConfigKind, ["spec.connectTimeout"]),
    ...claims(meshConfigKind, "spec.tcpKeepalive", ["probes", "time", "interval"]),
  ],
  apply({ policy, connectTimeout }, { cluster, connection, protocolOptions }) {
    const { tcp, http: requests } = policy.connectionPool ?? {};
    cluster.connectTimeout = durationMessage(tcp?.connectTimeout ?? connectTimeout);
    cluster.circuitBreakers = {
      thresholds: [
        {
          maxConnections: limit(tcp?.maxConnections),
          maxPendingRequests: limit(requests?.http1MaxPendingRequests),
          maxRequests: limit(requests?.http2MaxRequests),
          ...(policy.retryBudget === undefined
            ? { maxRetries: limit(requests?.maxRetries) }
            : { retryBudget: retryBudget(policy.retryBudget) }),
          trackRemaining: true,
        },
      ],
    };
    if (tcp?.tcpKeepalive !== undefined) {
      cluster.upstreamConnectionOptions = { tcpKeepalive: buildKeepalive(tcp.tcpKeepalive) };
    }
    if (tcp?.maxConnectionDuration !== undefined) {
      connection.maxConnectionDuration = durationMessage(tcp.maxConnectionDuration);
    }
    if (tcp?.idleTimeout !== undefined) {
      protocolOptions[TCP_PROTOCOL_OPTIONS] = typedConfig(TcpProtocolOptionsSchema, {
        idleTimeout: durationMessage(tcp.idleTimeout),
      });
    }
  },
};

/** The thresholds of clusters that no policy reaches. */
export function unlimited() {
  return {
    thresholds: [
      {
        maxConnections: UNLIMITED,
        maxPendingRequests: UNLIMITED,
        maxRequests: UNLIMITED,
        maxRetries: UNLIMITED,
        trackRemaining: true,
      },
    ],
  };
}

function limit(value: number | undefined): number {
  return value === undefined || value <= 0 ? UNLIMITED : value;
}

function retryBudget({ percent = 20, minRetryConcurrency = 0, budgetInterval }: RetryBudget) {
  return {
    budgetPercent: { value: percent },
    // Istio's default counts for 0 as well.
    minRetryConcurrency: minRetryConcurrency > 0 ? minRetryConcurrency : 3,
    ...(budgetInterval === undefined ? {} : { budgetInterval: durationMessage(budgetInterval) }),
  };
}

function buildKeepalive(keepalive: TcpKeepalive) {
  return {
    ...(keepalive.probes === undefined ? {} : { keepaliveProbes: keepalive.probes }),
    ...(keepalive.time === undefined ? {} : { keepaliveTime: seconds(keepalive.time) }),
    ...(keepalive.interval === undefined ? {} : { keepaliveInterval: seconds(keepalive.interval) }),
  };
}

function seconds(duration: string): number {
  return Number(durationMessage(duration).seconds ?? 0n);
}
