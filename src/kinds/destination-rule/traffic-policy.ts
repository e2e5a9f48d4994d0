// What a DestinationRule says of the traffic to a host, a port or a subset.

import type { TypeOf } from "../schema.ts";
import { choice, duration, list, map, message, real, text, uint32 } from "../schema.ts";
import { portSelector } from "../virtual-service/destination.ts";
import { clientTlsSettings } from "./client-tls.ts";
import { connectionPoolSettings, outlierDetection } from "./connection-pool.ts";
import { loadBalancerSettings } from "./load-balancer.ts";

/** `TrafficPolicy.PortTrafficPolicy` */
export const portTrafficPolicy = message({
  port: portSelector,
  loadBalancer: loadBalancerSettings,
  connectionPool: connectionPoolSettings,
  outlierDetection: outlierDetection,
  tls: clientTlsSettings,
});

/** `TrafficPolicy.TunnelSettings` */
export const tunnelSettings = message(
  {
    protocol: text(),
  },
  {
    required: {
      targetHost: text(),
      targetPort: uint32(),
    },
  },
);

/** `TrafficPolicy.ProxyProtocol.VERSION` */
export const proxyProtocolVersion = choice("V1", "V2");

/** `TrafficPolicy.ProxyProtocol` */
export const proxyProtocol = message({
  version: proxyProtocolVersion,
});

/** `TrafficPolicy.RetryBudget` */
export const retryBudget = message({
  percent: real(),
  minRetryConcurrency: uint32(),
  budgetInterval: duration(),
});

/** `TrafficPolicy` */
export const trafficPolicy = message({
  loadBalancer: loadBalancerSettings,
  connectionPool: connectionPoolSettings,
  outlierDetection: outlierDetection,
  tls: clientTlsSettings,
  portLevelSettings: list(portTrafficPolicy),
  tunnel: tunnelSettings,
  proxyProtocol: proxyProtocol,
  retryBudget: retryBudget,
});

/** `Subset` */
export const subset = message(
  {
    labels: map(text()),
    trafficPolicy: trafficPolicy,
  },
  {
    required: {
      name: text(),
    },
  },
);

export type PortTrafficPolicy = TypeOf<typeof portTrafficPolicy>;
export type TunnelSettings = TypeOf<typeof tunnelSettings>;
export type ProxyProtocolVersion = TypeOf<typeof proxyProtocolVersion>;
export type ProxyProtocol = TypeOf<typeof proxyProtocol>;
export type RetryBudget = TypeOf<typeof retryBudget>;
export type TrafficPolicy = TypeOf<typeof trafficPolicy>;
export type Subset = TypeOf<typeof subset>;
