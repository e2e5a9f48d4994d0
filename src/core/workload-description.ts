// What metrics call a workload, as one text: in the subject of its certificate, where peers read it signed, and in the
// metadata of its endpoints, where Istio's proxies look for the first five.

export interface WorkloadDescription {
  /** Of the Deployment or other controller. */
  readonly workload: string;
  readonly namespace: string;
  readonly canonicalService: string;
  readonly canonicalRevision: string;
  readonly cluster: string;
  /** The label; empty where it has none. */
  readonly app: string;
  readonly version: string;
}

/** The mesh is of one cluster, which Istio's tools know by this name. */
export const OWN_CLUSTER = "Kubernetes";

export interface DescribedWorkload {
  readonly workloadName: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Canonical names as Istio finds them: by labels of its own, then Kubernetes' recommended ones, then `app` and `version`. */
export function describeWorkload({
  workloadName,
  namespace,
  labels,
}: DescribedWorkload): WorkloadDescription {
  const { app = "", version = "" } = labels;
  const name = labels["service.istio.io/canonical-name"] || labels["app.kubernetes.io/name"] || app;
  const revision =
    labels["service.istio.io/canonical-revision"] || labels["app.kubernetes.io/version"] || version;
  return {
    workload: workloadName,
    namespace,
    canonicalService: name || workloadName,
    canonicalRevision: revision || "latest",
    cluster: OWN_CLUSTER,
    app,
    version,
  };
}

/** Of the text; names and labels of Kubernetes hold neither, and a certificate's subject is printed with `;` escaped. */
export type DescriptionSeparator = ";" | ":";

/** As a certificate's subject has it. */
export function formatDescription(description: WorkloadDescription): string {
  return [...identifying(description), description.app, description.version].join(":");
}

/** As Istio's proxies read an endpoint's metadata: without `app` and `version`. */
export function formatEndpointDescription(description: WorkloadDescription): string {
  return identifying(description).join(";");
}

function identifying(description: WorkloadDescription): readonly string[] {
  const { workload, namespace, canonicalService, canonicalRevision, cluster } = description;
  return [workload, namespace, canonicalService, canonicalRevision, cluster];
}

/** Undefined for text of another form. */
export function parseDescription(
  text: string,
  separator: DescriptionSeparator,
): WorkloadDescription | undefined {
  const parts = text.split(separator);
  if (parts.length !== 5 && parts.length !== 7) return undefined;
  const [workload = "", namespace = "", canonicalService = "", canonicalRevision = "", cluster = ""] = parts;
  const [app = "", version = ""] = parts.slice(5);
  return { workload, namespace, canonicalService, canonicalRevision, cluster, app, version };
}
