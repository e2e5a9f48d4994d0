// How a DestinationRule limits connections and ejects hosts that fail.

import type { TypeOf } from "../schema.ts";
import { choice, duration, flag, int32, integer, list, message, uint32 } from "../schema.ts";

/** `ConnectionPoolSettings.TCPSettings.TcpKeepalive` */
export const tcpKeepalive = message({
  probes: uint32(),
  time: duration(),
  interval: duration(),
});

/** `ConnectionPoolSettings.TCPSettings` */
export const tcpConnectionPool = message({
  maxConnections: int32(),
  connectTimeout: duration(),
  tcpKeepalive: tcpKeepalive,
  maxConnectionDuration: duration(),
  idleTimeout: duration(),
});

/** `ConnectionPoolSettings.HTTPSettings.H2UpgradePolicy` */
export const h2UpgradePolicy = choice("DEFAULT", "DO_NOT_UPGRADE", "UPGRADE");

/** `ConnectionPoolSettings.HTTPSettings.ConnectionKeepalive` */
export const http2ConnectionKeepalive = message({
  interval: duration(),
  timeout: duration(),
});

/** `ConnectionPoolSettings.HTTPSettings` */
export const httpConnectionPool = message({
  http1MaxPendingRequests: int32(),
  http2MaxRequests: int32(),
  maxRequestsPerConnection: int32(),
  maxRetries: int32(),
  idleTimeout: duration(),
  h2UpgradePolicy: h2UpgradePolicy,
  useClientProtocol: flag(),
  maxConcurrentStreams: int32(),
  http2KeepAlive: http2ConnectionKeepalive,
});

/** `ConnectionPoolSettings` */
export const connectionPoolSettings = message({
  tcp: tcpConnectionPool,
  http: httpConnectionPool,
});

/** `OutlierDetection` */
export const outlierDetection = message({
  consecutiveErrors: int32(), // deprecated
  splitExternalLocalOriginErrors: flag(),
  consecutiveLocalOriginFailures: uint32(),
  consecutiveGatewayErrors: uint32(),
  consecutive5xxErrors: uint32(),
  interval: duration(),
  baseEjectionTime: duration(),
  maxEjectionPercent: int32(),
  minHealthPercent: int32(),
  outlierDetectionHttpErrorCodes: list(uint32()),
  failurePercentageThreshold: integer(0, 100),
});

export type TcpKeepalive = TypeOf<typeof tcpKeepalive>;
export type TcpConnectionPool = TypeOf<typeof tcpConnectionPool>;
export type H2UpgradePolicy = TypeOf<typeof h2UpgradePolicy>;
export type Http2ConnectionKeepalive = TypeOf<typeof http2ConnectionKeepalive>;
export type HttpConnectionPool = TypeOf<typeof httpConnectionPool>;
export type ConnectionPoolSettings = TypeOf<typeof connectionPoolSettings>;
export type OutlierDetection = TypeOf<typeof outlierDetection>;
