// From the environment that injection wrote to the identity a proxy shows to the control plane: node id,
// cluster and metadata, under Istio's keys. The agent puts it into Envoy's bootstrap.

import type { Labels } from "../core/label-selector.ts";

export interface ProxyPodInfo {
  /** The istio-proxy container's environment with every field reference resolved. */
  readonly env: Readonly<Record<string, string>>;
  readonly role: "sidecar" | "router";
  readonly labels: Labels;
  readonly annotations: Readonly<Record<string, string>>;
  readonly version: string;
  /** `cluster.local`. */
  readonly clusterDomain: string;
}

export interface ProxyNode {
  readonly id: string;
  /** The service that the proxy stands for in stats and traces. */
  readonly cluster: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

const META_PREFIX = "ISTIO_META_";

/** Keys are sorted, so that equal pods have equal bytes. */
export function buildProxyNode(pod: ProxyPodInfo): ProxyNode {
  const { env, role, clusterDomain } = pod;
  const name = env.POD_NAME ?? "";
  const namespace = env.POD_NAMESPACE ?? "";
  return {
    id: [role, env.INSTANCE_IP ?? "", `${name}.${namespace}`, `${namespace}.svc.${clusterDomain}`].join("~"),
    cluster: nameInTraces(pod),
    metadata: Object.fromEntries(
      Object.entries(metadataOf(pod)).sort(([one], [other]) => (one < other ? -1 : 1)),
    ),
  };
}

/** As ProxyConfig's `tracingServiceName` says: by the label `app` unless it is a canonical name. */
function nameInTraces({ env, labels }: ProxyPodInfo): string {
  const { tracingServiceName = "" } = proxyConfigOf(env) as { readonly tracingServiceName?: string };
  const canonical = labels["service.istio.io/canonical-name"];
  const named = tracingServiceName.startsWith("CANONICAL_NAME")
    ? (canonical ?? labels.app)
    : (labels.app ?? canonical);
  const service = named ?? env.ISTIO_META_WORKLOAD_NAME ?? env.POD_NAME ?? "";
  return tracingServiceName === "CANONICAL_NAME_ONLY" ? service : `${service}.${env.POD_NAMESPACE ?? ""}`;
}

function proxyConfigOf({ PROXY_CONFIG = "{}" }: ProxyPodInfo["env"]): object {
  const config = parseJson(PROXY_CONFIG);
  return typeof config === "object" && config !== null ? config : {};
}

function metadataOf({ env, labels, annotations, version }: ProxyPodInfo): Record<string, unknown> {
  const instanceIps = env.INSTANCE_IPS ?? env.INSTANCE_IP ?? "";
  return {
    ...prefixedMetadata(env),
    ANNOTATIONS: withoutInjectionNotes(annotations),
    ENVOY_PROMETHEUS_PORT: 15090,
    ENVOY_STATUS_PORT: 15021,
    INSTANCE_IPS: instanceIps,
    ISTIO_VERSION: version,
    LABELS: labels,
    NAME: env.POD_NAME ?? "",
    NAMESPACE: env.POD_NAMESPACE ?? "",
    PROXY_CONFIG: proxyConfigOf(env),
    SERVICE_ACCOUNT: env.SERVICE_ACCOUNT ?? "",
  };
}

/** `ISTIO_META_OWNER` becomes `OWNER`; what Istio reads as JSON stays the text that it is there. */
function prefixedMetadata(env: Readonly<Record<string, string>>): Record<string, string> {
  const prefixed = Object.entries(env).filter(([name]) => name.startsWith(META_PREFIX));
  return Object.fromEntries(prefixed.map(([name, value]) => [name.slice(META_PREFIX.length), value]));
}

/** The control plane reads annotations that steer the proxy; notes to injection itself are only bytes. */
function withoutInjectionNotes(annotations: Readonly<Record<string, string>>): Record<string, string> {
  const notes = [
    "sidecar.istio.io/status",
    "proxy.istio.io/overrides",
    "kubectl.kubernetes.io/last-applied-configuration",
  ];
  return Object.fromEntries(Object.entries(annotations).filter(([name]) => !notes.includes(name)));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {}; // A user's own PROXY_CONFIG that isn't JSON; the rest of the metadata is worth having.
  }
}
