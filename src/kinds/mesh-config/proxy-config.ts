// What one proxy may be told on its own: the mesh's defaultConfig and the annotation proxy.istio.io/config.

import { clientTlsSettings } from "../destination-rule/client-tls.ts";
import { tcpKeepalive } from "../destination-rule/connection-pool.ts";
import type { TypeOf } from "../schema.ts";
import { choice, duration, flag, int32, list, map, message, text, uint32 } from "../schema.ts";
import { forwardClientCertDetails, proxyHeaders } from "./proxy-headers.ts";
import { readinessProbe } from "./readiness-probe.ts";
import { proxyTracing } from "./tracing.ts";

/** `SDS` */
export const sds = message({
  enabled: flag(),
  k8sSaJwtPath: text(),
});

/** `Topology.ProxyProtocolConfiguration` */
export const topologyProxyProtocolConfiguration = message({});

/** `Topology` */
export const topology = message({
  numTrustedProxies: uint32(),
  forwardClientCertDetails: forwardClientCertDetails,
  proxyProtocol: topologyProxyProtocolConfiguration,
});

/** `PrivateKeyProvider.CryptoMb` */
export const privateKeyProviderCryptoMb = message({
  pollDelay: duration(),
  fallback: flag(),
});

/** `PrivateKeyProvider.QAT` */
export const privateKeyProviderQat = message({
  pollDelay: duration(),
  fallback: flag(),
});

/** `PrivateKeyProvider` */
export const privateKeyProvider = message(
  {
    cryptomb: privateKeyProviderCryptoMb,
    qat: privateKeyProviderQat,
  },
  { oneofs: [["cryptomb", "qat"]] },
);

/** `ProxyConfig.TracingServiceName` */
export const tracingServiceName = choice(
  "APP_LABEL_AND_NAMESPACE",
  "CANONICAL_NAME_ONLY",
  "CANONICAL_NAME_AND_NAMESPACE",
);

/** `AuthenticationPolicy` */
export const authenticationPolicy = choice("NONE", "MUTUAL_TLS", "INHERIT");

/** `ProxyConfig.InboundInterceptionMode` */
export const interceptionMode = choice("REDIRECT", "TPROXY", "NONE");

/** `RemoteService` */
export const remoteService = message({
  address: text(),
  tlsSettings: clientTlsSettings,
  tcpKeepalive: tcpKeepalive,
});

/** `ProxyConfig.ProxyStatsMatcher` */
export const proxyStatsMatcher = message({
  inclusionPrefixes: list(text()),
  inclusionSuffixes: list(text()),
  inclusionRegexps: list(text()),
});

/** `ProxyImage` */
export const proxyImage = message({
  imageType: text(),
});

/** `ProxyConfig.ConnectionSettings.Profile` */
export const connectionSettingsProfile = choice("SIDECAR", "EDGE");

/** `ProxyConfig.ConnectionSettings.HeadersWithUnderscoresAction` */
export const connectionSettingsHeadersWithUnderscoresAction = choice(
  "HEADERS_WITH_UNDERSCORES_UNSPECIFIED",
  "HEADERS_WITH_UNDERSCORES_ALLOW",
  "HEADERS_WITH_UNDERSCORES_REJECT_REQUEST",
  "HEADERS_WITH_UNDERSCORES_DROP_HEADER",
);

/** `ProxyConfig.ConnectionSettings.PathWithEscapedSlashesAction` */
export const connectionSettingsPathWithEscapedSlashesAction = choice(
  "PATH_WITH_ESCAPED_SLASHES_UNSPECIFIED",
  "KEEP_UNCHANGED",
  "REJECT_REQUEST",
  "UNESCAPE_AND_REDIRECT",
  "UNESCAPE_AND_FORWARD",
);

/** `ProxyConfig.ConnectionSettings` */
export const connectionSettings = message({
  profile: connectionSettingsProfile,
  listenerPerConnectionBufferLimitBytes: int32(),
  clusterPerConnectionBufferLimitBytes: int32(),
  httpIdleTimeout: duration(),
  httpMaxConnectionDuration: duration(),
  httpDrainTimeout: duration(),
  httpRequestTimeout: duration(),
  httpRequestHeadersTimeout: duration(),
  httpStreamIdleTimeout: duration(),
  httpMaxStreamDuration: duration(),
  httpMaxConcurrentStreams: int32(),
  http2InitialStreamWindowSize: int32(),
  http2InitialConnectionWindowSize: int32(),
  httpHeadersWithUnderscoresAction: connectionSettingsHeadersWithUnderscoresAction,
  httpMergeSlashes: flag(),
  httpPathWithEscapedSlashesAction: connectionSettingsPathWithEscapedSlashesAction,
  listenerConnectionLimit: int32(),
  globalDownstreamConnectionLimit: int32(),
});

/** `ProxyConfig` */
export const proxyConfig = message(
  {
    configPath: text(),
    binaryPath: text(),
    serviceCluster: text(),
    tracingServiceName,
    drainDuration: duration(),
    discoveryAddress: text(),
    discoveryRefreshDelay: duration(), // deprecated
    zipkinAddress: text(), // deprecated
    statsdUdpAddress: text(),
    envoyMetricsServiceAddress: text(), // deprecated
    proxyAdminPort: int32(),
    availabilityZone: text(), // deprecated
    controlPlaneAuthPolicy: authenticationPolicy,
    customConfigFile: text(),
    statNameLength: int32(),
    concurrency: int32(),
    proxyBootstrapTemplatePath: text(),
    interceptionMode: interceptionMode,
    tracing: proxyTracing,
    sds: sds, // deprecated
    envoyAccessLogService: remoteService,
    envoyMetricsService: remoteService,
    proxyMetadata: map(text()),
    runtimeValues: map(text()),
    statusPort: int32(),
    extraStatTags: list(text()),
    gatewayTopology: topology,
    terminationDrainDuration: duration(),
    meshId: text(),
    readinessProbe: readinessProbe,
    proxyStatsMatcher: proxyStatsMatcher,
    holdApplicationUntilProxyStarts: flag(),
    caCertificatesPem: list(text()),
    image: proxyImage,
    privateKeyProvider: privateKeyProvider,
    proxyHeaders: proxyHeaders,
    fileFlushInterval: duration(),
    fileFlushMinSizeKb: uint32(),
    statsCompression: flag(),
    connectionSettings: connectionSettings,
  },
  { oneofs: [["serviceCluster", "tracingServiceName"]] },
);

export type Sds = TypeOf<typeof sds>;
export type TopologyProxyProtocolConfiguration = TypeOf<typeof topologyProxyProtocolConfiguration>;
export type Topology = TypeOf<typeof topology>;
export type PrivateKeyProviderCryptoMb = TypeOf<typeof privateKeyProviderCryptoMb>;
export type PrivateKeyProviderQat = TypeOf<typeof privateKeyProviderQat>;
export type PrivateKeyProvider = TypeOf<typeof privateKeyProvider>;
export type TracingServiceName = TypeOf<typeof tracingServiceName>;
export type AuthenticationPolicy = TypeOf<typeof authenticationPolicy>;
export type InterceptionMode = TypeOf<typeof interceptionMode>;
export type RemoteService = TypeOf<typeof remoteService>;
export type ProxyStatsMatcher = TypeOf<typeof proxyStatsMatcher>;
export type ProxyImage = TypeOf<typeof proxyImage>;
export type ConnectionSettingsProfile = TypeOf<typeof connectionSettingsProfile>;
export type ConnectionSettingsHeadersWithUnderscoresAction = TypeOf<
  typeof connectionSettingsHeadersWithUnderscoresAction
>;
export type ConnectionSettingsPathWithEscapedSlashesAction = TypeOf<
  typeof connectionSettingsPathWithEscapedSlashesAction
>;
export type ConnectionSettings = TypeOf<typeof connectionSettings>;
export type ProxyConfig = TypeOf<typeof proxyConfig>;
