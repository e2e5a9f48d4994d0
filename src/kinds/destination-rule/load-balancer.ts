// How a DestinationRule spreads load.

import type { TypeOf } from "../schema.ts";
import { choice, duration, flag, list, map, message, real, text, uint32, uint64 } from "../schema.ts";

/** `LoadBalancerSettings.SimpleLB` */
export const simpleLoadBalancer = choice(
  "UNSPECIFIED",
  "LEAST_CONN",
  "RANDOM",
  "PASSTHROUGH",
  "ROUND_ROBIN",
  "LEAST_REQUEST",
);

/** `LoadBalancerSettings.ConsistentHashLB.HTTPCookie.Attribute` */
export const httpCookieAttribute = message(
  {
    value: text(),
  },
  {
    required: {
      name: text(),
    },
  },
);

/** `LoadBalancerSettings.ConsistentHashLB.HTTPCookie` */
export const httpCookie = message(
  {
    path: text(),
    ttl: duration(),
    attributes: list(httpCookieAttribute),
  },
  {
    required: {
      name: text(),
    },
  },
);

/** `LoadBalancerSettings.ConsistentHashLB.RingHash` */
export const consistentHashRingHash = message({
  minimumRingSize: uint64(),
});

/** `LoadBalancerSettings.ConsistentHashLB.MagLev` */
export const consistentHashMagLev = message({
  tableSize: uint64(),
});

/** `LoadBalancerSettings.ConsistentHashLB` */
export const consistentHash = message(
  {
    httpHeaderName: text(),
    httpCookie: httpCookie,
    useSourceIp: flag(),
    httpQueryParameterName: text(),
    ringHash: consistentHashRingHash,
    maglev: consistentHashMagLev,
    minimumRingSize: uint64(), // deprecated
  },
  {
    oneofs: [
      ["httpHeaderName", "httpCookie", "useSourceIp", "httpQueryParameterName"],
      ["ringHash", "maglev"],
    ],
  },
);

/** `LoadBalancerSettings.BackendUtilizationLB` */
export const backendUtilization = message({
  weightStabilizationPeriod: duration(),
  weightExpirationPeriod: duration(),
  weightUpdatePeriod: duration(),
  errorUtilizationPenaltyPercent: uint32(),
  metricNamesForComputingUtilization: list(text()),
});

/** `LocalityLoadBalancerSetting.Distribute` */
export const localityLoadBalancerSettingDistribute = message({
  from: text(),
  to: map(uint32()),
});

/** `LocalityLoadBalancerSetting.Failover` */
export const localityLoadBalancerSettingFailover = message({
  from: text(),
  to: text(),
});

/** `LocalityLoadBalancerSetting` */
export const localityLoadBalancerSetting = message({
  distribute: list(localityLoadBalancerSettingDistribute),
  failover: list(localityLoadBalancerSettingFailover),
  failoverPriority: list(text()),
  enabled: flag(),
});

/** `ZoneAwareLoadBalancerSetting.Failover` */
export const zoneAwareLoadBalancerSettingFailover = message({
  from: text(),
  to: text(),
});

/** `ZoneAwareLoadBalancerSetting` */
export const zoneAwareLoadBalancerSetting = message({
  enabled: flag(),
  failover: list(zoneAwareLoadBalancerSettingFailover),
  failoverPriority: list(text()),
  minClusterSize: uint32(),
});

/** `WarmupConfiguration` */
export const warmupConfiguration = message(
  {
    minimumPercent: real(),
    aggression: real(),
  },
  {
    required: {
      duration: duration(),
    },
  },
);

/** `LoadBalancerSettings` */
export const loadBalancerSettings = message(
  {
    simple: simpleLoadBalancer,
    consistentHash: consistentHash,
    backendUtilization,
    localityLbSetting: localityLoadBalancerSetting,
    zoneAwareLbSetting: zoneAwareLoadBalancerSetting,
    warmupDurationSecs: duration(),
    warmup: warmupConfiguration,
  },
  { oneofs: [["simple", "consistentHash", "backendUtilization"]] },
);

export type SimpleLoadBalancer = TypeOf<typeof simpleLoadBalancer>;
export type HttpCookieAttribute = TypeOf<typeof httpCookieAttribute>;
export type HttpCookie = TypeOf<typeof httpCookie>;
export type ConsistentHashRingHash = TypeOf<typeof consistentHashRingHash>;
export type ConsistentHashMagLev = TypeOf<typeof consistentHashMagLev>;
export type ConsistentHash = TypeOf<typeof consistentHash>;
export type LocalityLoadBalancerSettingDistribute = TypeOf<typeof localityLoadBalancerSettingDistribute>;
export type LocalityLoadBalancerSettingFailover = TypeOf<typeof localityLoadBalancerSettingFailover>;
export type LocalityLoadBalancerSetting = TypeOf<typeof localityLoadBalancerSetting>;
export type ZoneAwareLoadBalancerSettingFailover = TypeOf<typeof zoneAwareLoadBalancerSettingFailover>;
export type ZoneAwareLoadBalancerSetting = TypeOf<typeof zoneAwareLoadBalancerSetting>;
export type WarmupConfiguration = TypeOf<typeof warmupConfiguration>;
export type LoadBalancerSettings = TypeOf<typeof loadBalancerSettings>;
