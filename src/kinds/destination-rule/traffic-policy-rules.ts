// Rules for traffic policies, wherever they stand: in DestinationRules, their subsets and ports, and in MeshConfig.

import type { Findings } from "../value-rules.ts";
import {
  checkDuration,
  checkDurations,
  checkHeaderName,
  checkHostname,
  checkNotNegative,
  checkPort,
  checkRange,
} from "../value-rules.ts";
import { checkClientTls } from "./client-tls-rules.ts";
import type { ConnectionPoolSettings, OutlierDetection } from "./connection-pool.ts";
import type { LoadBalancerSettings } from "./load-balancer.ts";
import { checkLocalityLoadBalancer, checkZoneAwareLoadBalancer } from "./locality-rules.ts";
import type { TrafficPolicy } from "./traffic-policy.ts";

export function* checkTrafficPolicy(path: string, policy: TrafficPolicy | undefined): Findings {
  if (policy === undefined) return;
  if (Object.keys(policy).length === 0) {
    yield { code: "MLT1006", path, message: "a traffic policy needs at least one field" };
  }
  yield* checkOnePolicy(path, policy);
  for (const [index, settings] of (policy.portLevelSettings ?? []).entries()) {
    const place = `${path}.portLevelSettings[${index}]`;
    if (settings.port?.number === undefined) {
      yield { code: "MLT1006", path: `${place}.port.number`, message: '"port.number" is required' };
    }
    yield* checkPort(`${place}.port.number`, settings.port?.number);
    yield* checkOnePolicy(place, settings);
  }
  yield* checkTunnel(`${path}.tunnel`, policy.tunnel);
  yield* checkRange(`${path}.retryBudget.percent`, policy.retryBudget?.percent, { minimum: 0, maximum: 100 });
  yield* checkDuration(`${path}.retryBudget.budgetInterval`, policy.retryBudget?.budgetInterval);
}

type OnePolicy = Pick<TrafficPolicy, "connectionPool" | "loadBalancer" | "outlierDetection" | "tls">;

function* checkOnePolicy(path: string, policy: OnePolicy): Findings {
  yield* checkConnectionPool(`${path}.connectionPool`, policy.connectionPool);
  yield* checkOutlierDetection(`${path}.outlierDetection`, policy.outlierDetection);
  yield* checkLoadBalancer(
    `${path}.loadBalancer`,
    policy.loadBalancer,
    policy.outlierDetection !== undefined,
  );
  yield* checkClientTls(`${path}.tls`, policy.tls);
}

export function* checkConnectionPool(path: string, pool: ConnectionPoolSettings | undefined): Findings {
  if (pool === undefined) return;
  const { http, tcp } = pool;
  if (http === undefined && tcp === undefined) {
    yield { code: "MLT1006", path, message: "a connection pool needs tcp or http" };
  }
  yield* checkNotNegative(`${path}.http`, http, [
    "http1MaxPendingRequests",
    "http2MaxRequests",
    "maxRequestsPerConnection",
    "maxRetries",
    "maxConcurrentStreams",
  ]);
  yield* checkDuration(`${path}.http.idleTimeout`, http?.idleTimeout);
  if (http?.h2UpgradePolicy === "UPGRADE" && http.useClientProtocol === true) {
    const message = "the client's protocol can't be kept while h2UpgradePolicy is UPGRADE";
    yield { path: `${path}.http.useClientProtocol`, message };
  }
  if (http?.http2KeepAlive !== undefined) {
    for (const name of ["interval", "timeout"] as const) {
      if (http.http2KeepAlive[name] === undefined) {
        yield {
          code: "MLT1006",
          path: `${path}.http.http2KeepAlive.${name}`,
          message: `"${name}" is required`,
        };
      }
    }
    yield* checkDurations(`${path}.http.http2KeepAlive`, http.http2KeepAlive, ["interval", "timeout"]);
  }
  yield* checkNotNegative(`${path}.tcp`, tcp, ["maxConnections"]);
  yield* checkDurations(`${path}.tcp`, tcp, ["connectTimeout", "maxConnectionDuration", "idleTimeout"]);
  yield* checkDurations(`${path}.tcp.tcpKeepalive`, tcp?.tcpKeepalive, ["time", "interval"]);
}

export function* checkOutlierDetection(path: string, outliers: OutlierDetection | undefined): Findings {
  if (outliers === undefined) return;
  yield* checkDurations(path, outliers, ["interval", "baseEjectionTime"]);
  yield* checkRange(`${path}.maxEjectionPercent`, outliers.maxEjectionPercent, { minimum: 0, maximum: 100 });
  yield* checkRange(`${path}.minHealthPercent`, outliers.minHealthPercent, { minimum: 0, maximum: 100 });
  if (outliers.consecutiveErrors !== undefined) {
    const message = "consecutiveErrors is deprecated, use consecutive5xxErrors or consecutiveGatewayErrors";
    yield { severity: "warning", path: `${path}.consecutiveErrors`, message };
  }
  const isSplit = outliers.splitExternalLocalOriginErrors === true;
  if ((outliers.consecutiveLocalOriginFailures ?? 0) > 0 && !isSplit) {
    const message = "it has an effect only with splitExternalLocalOriginErrors: true";
    yield { path: `${path}.consecutiveLocalOriginFailures`, message };
  }
}

function* checkLoadBalancer(
  path: string,
  settings: LoadBalancerSettings | undefined,
  hasOutlierDetection: boolean,
): Findings {
  if (settings === undefined) return;
  yield* checkConsistentHash(`${path}.consistentHash`, settings.consistentHash);
  yield* checkLocalityLoadBalancer(
    `${path}.localityLbSetting`,
    settings.localityLbSetting,
    hasOutlierDetection,
  );
  yield* checkZoneAwareLoadBalancer(
    `${path}.zoneAwareLbSetting`,
    settings.zoneAwareLbSetting,
    hasOutlierDetection,
  );
  yield* checkDuration(`${path}.warmupDurationSecs`, settings.warmupDurationSecs);
  yield* checkDuration(`${path}.warmup.duration`, settings.warmup?.duration);
  yield* checkRange(`${path}.warmup.minimumPercent`, settings.warmup?.minimumPercent, {
    minimum: 0,
    maximum: 100,
  });
  yield* checkRange(`${path}.warmup.aggression`, settings.warmup?.aggression, { minimum: 1 });
}

// Envoy's limits: RingHashLbConfig.maximum_ring_size and MaglevLbConfig.table_size.
const MAX_RING_SIZE = 8_388_608;
const MAX_TABLE_SIZE = 5_000_011;

function isPrime(value: number): boolean {
  for (let divisor = 2; divisor * divisor <= value; divisor++) if (value % divisor === 0) return false;
  return value > 1;
}

function* checkConsistentHash(path: string, hash: LoadBalancerSettings["consistentHash"]): Findings {
  if (hash === undefined) return;
  if (hash.httpCookie !== undefined) {
    if (hash.httpCookie.name === "") {
      yield { code: "MLT1006", path: `${path}.httpCookie.name`, message: "a cookie needs a name" };
    }
    const names = new Set<string>();
    for (const [index, { name }] of (hash.httpCookie.attributes ?? []).entries()) {
      const place = `${path}.httpCookie.attributes[${index}].name`;
      if (name === "") yield { path: place, message: "an attribute's name is empty" };
      if (names.has(name)) yield { path: place, message: `there are two attributes "${name}"` };
      names.add(name);
    }
  }
  if (hash.httpHeaderName !== undefined)
    yield* checkHeaderName(`${path}.httpHeaderName`, hash.httpHeaderName);
  yield* checkRange(`${path}.ringHash.minimumRingSize`, hash.ringHash?.minimumRingSize, {
    minimum: 0,
    maximum: MAX_RING_SIZE,
  });
  yield* checkRange(`${path}.minimumRingSize`, hash.minimumRingSize, { minimum: 0, maximum: MAX_RING_SIZE });
  const { tableSize } = hash.maglev ?? {};
  if (tableSize !== undefined && (tableSize > MAX_TABLE_SIZE || !isPrime(tableSize))) {
    const message = `found ${tableSize}, wanted a prime number of at most ${MAX_TABLE_SIZE}`;
    yield { path: `${path}.maglev.tableSize`, message };
  }
  if (hash.minimumRingSize !== undefined) {
    const message = "minimumRingSize is deprecated, use ringHash.minimumRingSize";
    yield { severity: "warning", path: `${path}.minimumRingSize`, message };
  }
}

function* checkTunnel(path: string, tunnel: TrafficPolicy["tunnel"]): Findings {
  if (tunnel === undefined) return;
  const { protocol = "CONNECT", targetHost, targetPort } = tunnel;
  if (protocol !== "CONNECT" && protocol !== "POST") {
    yield { path: `${path}.protocol`, message: `found "${protocol}", wanted CONNECT or POST` };
  }
  yield* checkHostname(`${path}.targetHost`, targetHost);
  yield* checkPort(`${path}.targetPort`, targetPort);
}
