// The mesh's settings where the user says nothing: Istio's defaults. And how what the user says is laid over them.

import type { MeshConfigSpec } from "./mesh-config-spec.ts";
import type { ProxyConfig } from "./proxy-config.ts";

export const defaultProxyConfig = {
  configPath: "./etc/istio/proxy",
  binaryPath: "/usr/local/bin/envoy",
  serviceCluster: "istio-proxy",
  drainDuration: "45s",
  terminationDrainDuration: "5s",
  discoveryAddress: "istiod.istio-system.svc:15012",
  proxyAdminPort: 15000,
  controlPlaneAuthPolicy: "MUTUAL_TLS",
  statNameLength: 189,
  statusPort: 15020,
  interceptionMode: "REDIRECT",
} as const satisfies ProxyConfig;

export const defaultMeshConfig = {
  accessLogFile: "",
  accessLogFormat: "",
  accessLogEncoding: "TEXT",
  enableTracing: true,
  enableAutoMtls: true,
  enablePrometheusMerge: true,
  enableEnvoyAccessLogService: false,
  disableEnvoyListenerLog: false,
  connectTimeout: "10s",
  protocolDetectionTimeout: "0s",
  dnsRefreshRate: "60s",
  hboneIdleTimeout: "1h",
  proxyListenPort: 15001,
  proxyInboundListenPort: 15006,
  ingressService: "istio-ingressgateway",
  ingressControllerMode: "STRICT",
  ingressClass: "istio",
  ingressSelector: "ingressgateway",
  rootNamespace: "istio-system",
  trustDomain: "cluster.local",
  trustDomainAliases: [],
  outboundTrafficPolicy: { mode: "ALLOW_ANY" },
  inboundTrafficPolicy: { mode: "PASSTHROUGH" },
  defaultServiceExportTo: ["*"],
  defaultVirtualServiceExportTo: ["*"],
  defaultDestinationRuleExportTo: ["*"],
  localityLbSetting: { enabled: true },
  h2UpgradePolicy: "DO_NOT_UPGRADE",
  pathNormalization: { normalization: "DEFAULT" },
  defaultProviders: {},
  extensionProviders: [
    { name: "prometheus", prometheus: {} },
    { name: "stackdriver", stackdriver: {} },
    { name: "envoy", envoyFileAccessLog: { path: "/dev/stdout" } },
  ],
  defaultHttpRetryPolicy: {
    attempts: 2,
    retryOn: "connect-failure,refused-stream,unavailable,cancelled",
  },
  defaultConfig: defaultProxyConfig,
} as const satisfies MeshConfigSpec;

/** MeshConfig with the defaults filled in. */
export type EffectiveMeshConfig = Flat<
  MeshConfigSpec & { readonly [F in FilledField]-?: NonNullable<MeshConfigSpec[F]> }
>;
type FilledField = keyof typeof defaultMeshConfig;
type Flat<T> = { [K in keyof T]: T[K] };

/**
 * Lays the user's settings over the defaults. A message is laid over field by field in `defaultConfig`,
 * `outboundTrafficPolicy`, `inboundTrafficPolicy` and `pathNormalization`, and replaced as a whole elsewhere;
 * extension providers are added to the ones that are built in, by name.
 */
export function effectiveMeshConfig(spec: MeshConfigSpec | undefined): EffectiveMeshConfig {
  const own = spec ?? {};
  const ownNames = new Set(own.extensionProviders?.map(({ name }) => name));
  const builtIn = defaultMeshConfig.extensionProviders.filter(({ name }) => !ownNames.has(name));
  return {
    ...defaultMeshConfig,
    ...own,
    outboundTrafficPolicy: { ...defaultMeshConfig.outboundTrafficPolicy, ...own.outboundTrafficPolicy },
    inboundTrafficPolicy: { ...defaultMeshConfig.inboundTrafficPolicy, ...own.inboundTrafficPolicy },
    pathNormalization: { ...defaultMeshConfig.pathNormalization, ...own.pathNormalization },
    extensionProviders: [...builtIn, ...(own.extensionProviders ?? [])],
    defaultConfig: mergeProxyConfigs(defaultProxyConfig, own.defaultConfig),
  };
}

/**
 * Lays ProxyConfigs over each other, the last on top: defaults, the mesh's `defaultConfig`, the annotation
 * `proxy.istio.io/config`. As in Istio, messages merge field by field, `proxyMetadata` and `runtimeValues` key by
 * key, and lists are replaced.
 */
export function mergeProxyConfigs(...layers: readonly (ProxyConfig | undefined)[]): ProxyConfig {
  let merged: ProxyConfig = {};
  for (const layer of layers) {
    if (layer !== undefined) merged = mergeMessages(merged, layer) as ProxyConfig;
  }
  return merged;
}

// serviceCluster and tracingServiceName are a oneof: the one that is set last unsets the other.
const alternatives: Readonly<Record<string, string>> = {
  serviceCluster: "tracingServiceName",
  tracingServiceName: "serviceCluster",
};

function mergeMessages(below: object, above: object): object {
  const merged: Record<string, unknown> = { ...below };
  for (const [name, value] of Object.entries(above)) {
    const other = alternatives[name];
    if (other !== undefined) delete merged[other];
    const current = merged[name];
    merged[name] = isMessage(current) && isMessage(value) ? mergeMessages(current, value) : value;
  }
  return merged;
}

function isMessage(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
