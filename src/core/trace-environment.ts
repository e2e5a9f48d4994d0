// How a proxy's spans say whose they are. The listeners of all workloads are the same, so it stands in the environment of
// each Envoy, which its agent makes.

/** Of a tag of Istio's, the variable that has its value. */
export const ISTIO_TRACE_TAGS = {
  "istio.canonical_revision": "MELTEMI_CANONICAL_REVISION",
  "istio.canonical_service": "MELTEMI_CANONICAL_SERVICE",
  "istio.cluster_id": "MELTEMI_CLUSTER_ID",
  "istio.mesh_id": "MELTEMI_MESH_ID",
  "istio.namespace": "MELTEMI_NAMESPACE",
} as const;

/** OpenTelemetry's: `service.name=reviews.shop,key=value`. */
export const RESOURCE_ATTRIBUTES = "OTEL_RESOURCE_ATTRIBUTES";

/** Datadog's. */
export const DATADOG_SERVICE = "DD_SERVICE";

interface TracedNode {
  /** Such as `reviews.shop`. */
  readonly cluster: string;
  /** As Istio's proxies have it. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

type Environment = Readonly<Record<string, string>>;

/** What is to be added to the environment that Envoy gets; the pod's own attributes stand over ours. */
export function traceEnvironment({ cluster, metadata }: TracedNode, own: Environment): Environment {
  const labels = (metadata.LABELS ?? {}) as Readonly<Record<string, string | undefined>>;
  const text = (key: string, otherwise: string) => String(metadata[key] || otherwise);
  const ownAttributes = own[RESOURCE_ATTRIBUTES] ?? "";
  const serviceName = `service.name=${cluster}`;
  return {
    MELTEMI_CANONICAL_REVISION: labels["service.istio.io/canonical-revision"] ?? labels.version ?? "latest",
    MELTEMI_CANONICAL_SERVICE: labels["service.istio.io/canonical-name"] ?? labels.app ?? "unknown",
    MELTEMI_CLUSTER_ID: text("CLUSTER_ID", "unknown"),
    MELTEMI_MESH_ID: text("MESH_ID", "unknown"),
    MELTEMI_NAMESPACE: text("NAMESPACE", "default"),
    [RESOURCE_ATTRIBUTES]: ownAttributes === "" ? serviceName : `${serviceName},${ownAttributes}`,
    [DATADOG_SERVICE]: own[DATADOG_SERVICE] ?? cluster,
  };
}
