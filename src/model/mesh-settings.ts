// The mesh's configuration with every default filled in: Istio's own defaults.

import type { TlsCompliance } from "../core/tls-compliance.ts";
import type { Graph } from "../graph/graph.ts";
import type { Table } from "../graph/table.ts";
import { type ClaimedField, claims } from "../kinds/claims.ts";
import type { LocalityLoadBalancerSetting } from "../kinds/destination-rule/load-balancer.ts";
import type { ExtensionProvider } from "../kinds/mesh-config/extension-provider.ts";
import { meshConfigKind } from "../kinds/mesh-config/mesh-config.ts";
import type { MeshConfigSpec } from "../kinds/mesh-config/mesh-config-spec.ts";
import type { MeshTlsConfig } from "../kinds/mesh-config/mesh-settings.ts";
import type { Topology } from "../kinds/mesh-config/proxy-config.ts";
import type { ProxyTracing } from "../kinds/mesh-config/tracing.ts";
import type { HttpRetry } from "../kinds/virtual-service/http-route.ts";
import { type ReservedPorts, reservedPorts } from "./reserved-ports.ts";
import type { Sources } from "./sources.ts";

export interface MeshSettings {
  readonly trustDomain: string;
  /** What it was called before, or is called elsewhere. */
  readonly trustDomainAliases: readonly string[];
  /** The domain of Kubernetes' service names. */
  readonly clusterDomain: string;
  /** Where mesh-wide policies live. */
  readonly rootNamespace: string;
  readonly outboundPort: number;
  readonly inboundPort: number;
  readonly reservedPorts: ReservedPorts;
  readonly connectTimeout: string;
  readonly dnsRefreshRate: string;
  readonly protocolDetectionTimeout: string;
  readonly isAutomaticMutualTls: boolean;
  readonly isHttp2Upgraded: boolean;
  /** Hosts that the mesh doesn't know are passed through, not refused. */
  readonly allowsUnknownHosts: boolean;
  /** Patterns of what clusters are called in statistics; empty: by their names. */
  readonly clusterStatNames: { readonly inbound: string; readonly outbound: string };
  readonly accessLogFile: string;
  readonly accessLogFormat: string;
  readonly isAccessLogJson: boolean;
  /** `als.istio-system:9090`, of ProxyConfig: where MeshConfig's own log goes; absent: to the file alone. */
  readonly accessLogService?: string;
  /** Names of providers that log where no Telemetry says another thing. */
  readonly defaultAccessLogProviders: readonly string[];
  /** The name of the provider that spans go to where no Telemetry says another thing; undefined for none. */
  readonly defaultTracingProvider?: string;
  /** ProxyConfig's own, where tracing isn't turned off. */
  readonly proxyTracing?: ProxyTracing;
  /** Connections that no filter chain takes aren't logged. */
  readonly ignoresRefusedConnections: boolean;
  /** Of gateways whose pods don't say another one. */
  readonly gatewayTopology: Topology;
  readonly pathNormalization: "NONE" | "BASE" | "MERGE_SLASHES" | "DECODE_AND_MERGE_SLASHES";
  readonly defaultExportTo: {
    readonly service: readonly string[];
    readonly virtualService: readonly string[];
    readonly destinationRule: readonly string[];
  };
  readonly defaultRetries: MeshConfigSpec["defaultHttpRetryPolicy"];
  /** Complete; 0 attempts where there are none. */
  readonly inboundRetries: HttpRetry;
  readonly defaultTrafficPolicy: MeshConfigSpec["defaultTrafficPolicy"];
  readonly tcpKeepalive: MeshConfigSpec["tcpKeepalive"];
  /** Where no DestinationRule has its own. */
  readonly localityLbSetting: LocalityLoadBalancerSetting;
  /** Of mutual TLS between workloads, as servers; only what is written. */
  readonly meshTls: MeshTlsConfig;
  /** Of all other TLS, where a Gateway's server says nothing itself. */
  readonly tlsDefaults: MeshTlsConfig;
  /** The control plane's own setting: it overrules all that objects say of TLS. */
  readonly tlsCompliance?: TlsCompliance;
  /** Servers outside the mesh's own programs that policies name. */
  readonly extensionProviders: readonly ExtensionProvider[];
}

export const meshSettingFields: readonly ClaimedField[] = claims(meshConfigKind, [
  "spec.trustDomain",
  "spec.rootNamespace",
]);

const EVERYBODY = ["*"];

/** One row; the object is the one named `mesh`, whether it came from a ConfigMap or a file. */
export function declareMeshSettings(
  graph: Graph,
  sources: Sources,
  tlsCompliance?: TlsCompliance,
): Table<MeshSettings> {
  return graph.deriveOne<MeshSettings>({
    name: "mesh settings",
    value: (read) => ({
      ...resolveMeshSettings(read.get(sources.MeshConfig, "/mesh")?.spec ?? {}),
      ...(tlsCompliance && { tlsCompliance }),
    }),
  });
}

export function resolveMeshSettings(spec: MeshConfigSpec): MeshSettings {
  const normalization = spec.pathNormalization?.normalization ?? "DEFAULT";
  const outboundPort = spec.proxyListenPort ?? 15001;
  const inboundPort = spec.proxyInboundListenPort ?? 15006;
  return {
    trustDomain: spec.trustDomain ?? "cluster.local",
    trustDomainAliases: spec.trustDomainAliases ?? [],
    clusterDomain: "cluster.local",
    rootNamespace: spec.rootNamespace ?? "istio-system",
    outboundPort,
    inboundPort,
    reservedPorts: reservedPorts([outboundPort, inboundPort], spec.defaultConfig),
    connectTimeout: spec.connectTimeout ?? "10s",
    dnsRefreshRate: spec.dnsRefreshRate ?? "60s",
    protocolDetectionTimeout: spec.protocolDetectionTimeout ?? "0s",
    isAutomaticMutualTls: spec.enableAutoMtls ?? true,
    isHttp2Upgraded: spec.h2UpgradePolicy === "UPGRADE",
    allowsUnknownHosts: spec.outboundTrafficPolicy?.mode !== "REGISTRY_ONLY",
    clusterStatNames: {
      inbound: spec.inboundClusterStatName ?? "",
      outbound: spec.outboundClusterStatName ?? "",
    },
    accessLogFile: spec.accessLogFile ?? "",
    accessLogFormat: spec.accessLogFormat ?? "",
    isAccessLogJson: spec.accessLogEncoding === "JSON",
    ...(spec.enableEnvoyAccessLogService === true && {
      accessLogService: spec.defaultConfig?.envoyAccessLogService?.address ?? "",
    }),
    defaultAccessLogProviders: spec.defaultProviders?.accessLogging ?? [],
    ...tracingDefaults(spec),
    ignoresRefusedConnections: spec.disableEnvoyListenerLog === true,
    gatewayTopology: spec.defaultConfig?.gatewayTopology ?? {},
    pathNormalization: normalization === "DEFAULT" ? "BASE" : normalization,
    defaultExportTo: {
      service: spec.defaultServiceExportTo ?? EVERYBODY,
      virtualService: spec.defaultVirtualServiceExportTo ?? EVERYBODY,
      destinationRule: spec.defaultDestinationRuleExportTo ?? EVERYBODY,
    },
    defaultRetries: spec.defaultHttpRetryPolicy,
    inboundRetries: inboundRetries(spec.defaultInboundHttpRetryPolicy),
    defaultTrafficPolicy: spec.defaultTrafficPolicy,
    tcpKeepalive: spec.tcpKeepalive,
    localityLbSetting: spec.localityLbSetting ?? {},
    meshTls: spec.meshMTLS ?? {},
    tlsDefaults: spec.tlsDefaults ?? {},
    extensionProviders: spec.extensionProviders ?? [],
  };
}

/** Of several default providers the first counts, as in Istio; `enableTracing` speaks of ProxyConfig's alone. */
function tracingDefaults({
  enableTracing = true,
  defaultProviders,
  defaultConfig,
}: MeshConfigSpec): Pick<MeshSettings, "defaultTracingProvider" | "proxyTracing"> {
  const [provider] = defaultProviders?.tracing ?? [];
  const { tracing } = defaultConfig ?? {};
  return {
    ...(provider !== undefined && { defaultTracingProvider: provider }),
    ...(enableTracing && tracing !== undefined && { proxyTracing: tracing }),
  };
}

const RESET_BEFORE_REQUEST = "reset-before-request";

/** As Istio: a policy without `attempts` turns retries off; what speaks of several destinations has no meaning here. */
function inboundRetries(policy: MeshConfigSpec["defaultInboundHttpRetryPolicy"]): HttpRetry {
  const { attempts = 0, retryOn = "", backoff } = policy ?? { attempts: 2 };
  return {
    attempts,
    retryOn: retryOn === "" ? RESET_BEFORE_REQUEST : retryOn,
    retryIgnorePreviousHosts: false,
    ...(backoff === undefined ? {} : { backoff }),
  };
}
