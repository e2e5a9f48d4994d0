// Where a pod runs, as `region/zone/subzone`: its own label says it, else the labels of its node.

import type { Node } from "../kinds/node.ts";
import type { Pod } from "../kinds/pod/pod.ts";

export const REGION_LABEL = "topology.kubernetes.io/region";
export const ZONE_LABEL = "topology.kubernetes.io/zone";
export const SUBZONE_LABEL = "topology.istio.io/subzone";
/** Of an endpoint or a client, the name of its node. */
export const HOSTNAME_LABEL = "kubernetes.io/hostname";

// A label's value holds no slash, so the pod's label may part the places by dots.
const POD_LABEL = "istio-locality";

// Kubernetes' names for them before 1.17.
const OLD_REGION_LABEL = "failure-domain.beta.kubernetes.io/region";
const OLD_ZONE_LABEL = "failure-domain.beta.kubernetes.io/zone";

/** The pod's own word before its node's. */
export function localityOfPod(pod: Pod, ofNode: string): string {
  const own = pod.metadata.labels?.[POD_LABEL];
  if (own === undefined || own === "") return ofNode;
  return own.includes("/") ? own : own.replaceAll(".", "/");
}

/** Empty where nothing tells. */
export function localityOfNode({ metadata: { labels = {} } }: Node): string {
  return joinLocality([
    labels[REGION_LABEL] ?? labels[OLD_REGION_LABEL],
    labels[ZONE_LABEL] ?? labels[OLD_ZONE_LABEL],
    labels[SUBZONE_LABEL],
  ]);
}

/** Without the empty places at its end. */
export function joinLocality(places: readonly (string | undefined)[]): string {
  return places
    .map((place) => place ?? "")
    .join("/")
    .replace(/\/+$/, "");
}

/** A workload's labels with those that say where it is. */
export function labelsWithPlace(
  labels: Readonly<Record<string, string>>,
  { locality, nodeName }: { readonly locality: string; readonly nodeName: string },
): Readonly<Record<string, string>> {
  const [region = "", zone = "", subzone = ""] = locality.split("/");
  return {
    ...labels,
    [REGION_LABEL]: region,
    [ZONE_LABEL]: zone,
    [SUBZONE_LABEL]: subzone,
    [HOSTNAME_LABEL]: nodeName,
  };
}
