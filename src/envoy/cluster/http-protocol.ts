// Which HTTP a cluster's endpoints are spoken to with, and its limits per connection.

import { isHttp2, isSniffed } from "../../core/protocol.ts";
import { claims } from "../../kinds/claims.ts";
import { destinationRuleKind } from "../../kinds/destination-rule/destination-rule.ts";
import { meshConfigKind } from "../../kinds/mesh-config/mesh-config.ts";
import type { OutboundClusterInputs } from "../../view/cluster-inputs.ts";
import { durationMessage } from "../duration-message.ts";
import type { ClusterFeature } from "./cluster-feature.ts";

export const httpProtocolFeature: ClusterFeature = {
  fields: [
    ...claims(destinationRuleKind, "spec.trafficPolicy.connectionPool", [
      "http.idleTimeout",
      "http.maxRequestsPerConnection",
      "http.h2UpgradePolicy",
      "http.useClientProtocol",
      "http.maxConcurrentStreams",
      "http.http2KeepAlive.interval",
      "http.http2KeepAlive.timeout",
    ]),
    ...claims(meshConfigKind, ["spec.h2UpgradePolicy"]),
  ],
  apply(inputs, { http, connection }) {
    const pool = inputs.policy.connectionPool?.http;
    http.upstreamProtocolOptions = protocolOptions(inputs);
    if (pool?.idleTimeout !== undefined) connection.idleTimeout = durationMessage(pool.idleTimeout);
    if (pool?.maxRequestsPerConnection) connection.maxRequestsPerConnection = pool.maxRequestsPerConnection;
  },
};

/** The port says HTTP/2 or gRPC, or HTTP/1.1 is upgraded on the way. */
export function hasHttp2Upstream({ protocol, isHttp2Upgraded }: OutboundClusterInputs): boolean {
  return isHttp2(protocol) || (isHttp2Upgraded && protocol === "HTTP");
}

function protocolOptions(inputs: OutboundClusterInputs) {
  const pool = inputs.policy.connectionPool?.http;
  if (pool?.useClientProtocol || isSniffed(inputs.protocol)) {
    return {
      case: "useDownstreamProtocolConfig" as const,
      value: { httpProtocolOptions: {}, http2ProtocolOptions: http2Options(inputs) },
    };
  }
  const protocolConfig = hasHttp2Upstream(inputs)
    ? { case: "http2ProtocolOptions" as const, value: http2Options(inputs) }
    : { case: "httpProtocolOptions" as const, value: {} };
  return { case: "explicitHttpConfig" as const, value: { protocolConfig } };
}

function http2Options({ policy }: OutboundClusterInputs) {
  const pool = policy.connectionPool?.http;
  const keepAlive = pool?.http2KeepAlive;
  return {
    ...(pool?.maxConcurrentStreams ? { maxConcurrentStreams: pool.maxConcurrentStreams } : {}),
    ...(keepAlive === undefined
      ? {}
      : {
          connectionKeepalive: {
            ...(keepAlive.interval === undefined ? {} : { interval: durationMessage(keepAlive.interval) }),
            ...(keepAlive.timeout === undefined ? {} : { timeout: durationMessage(keepAlive.timeout) }),
          },
        }),
  };
}
