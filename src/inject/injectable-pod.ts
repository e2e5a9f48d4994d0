// A pod as injection sees it: from a webhook, a template in a file, or the local runtime.

import type { TemplateMeta } from "../kinds/object-meta.ts";
import type { PodSpec } from "../kinds/pod/pod-spec.ts";

export interface InjectablePod {
  readonly metadata: TemplateMeta;
  readonly spec: PodSpec;
}

/** What made the pod; a pod made by hand names itself. */
export interface WorkloadOwner {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
}

export function annotationOf(pod: InjectablePod, name: string): string | undefined {
  return pod.metadata.annotations?.[name];
}

export function labelOf(pod: InjectablePod, name: string): string | undefined {
  return pod.metadata.labels?.[name];
}
