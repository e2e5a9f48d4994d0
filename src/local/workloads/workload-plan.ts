// What a controller decides in one look at its object and pods, and the pods that it makes. No I/O, no clock.

import type { ObjectMeta, OwnerReference } from "../../kinds/object-meta.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import type { PodTemplate } from "../../kinds/pod/pod-spec.ts";
import { templateHash } from "./template-hash.ts";

export interface WorkloadPlan {
  readonly create: readonly Pod[];
  /** Pods to delete; they terminate gracefully. */
  readonly remove: readonly Pod[];
  readonly status: Readonly<Record<string, unknown>>;
  /** Look again after this time even if nothing changes. */
  readonly recheckAfterMs?: number;
}

// A machine has no room for more, and a slip of the pen must not fill it.
export const MAX_PODS_OF_WORKLOAD = 1_000;

/** How many pods a workload gets that asks for `count`. */
export function podCountOf(count: number): number {
  return Math.min(Math.max(0, Math.trunc(count)), MAX_PODS_OF_WORKLOAD);
}

/** The smallest of the times given that isn't zero, if any. */
export function earliestMs(times: Iterable<number | undefined>): number | undefined {
  let earliest: number | undefined;
  for (const time of times) {
    if (time !== undefined && time > 0 && (earliest === undefined || time < earliest)) earliest = time;
  }
  return earliest;
}

export interface WorkloadObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta & { readonly namespace: string };
}

export interface PodIdentity {
  readonly name: string;
  /** As a random name's stem would be in Kubernetes; injection derives the workload's name from it. */
  readonly generateName: string;
  readonly owner: OwnerReference;
  readonly labels: Readonly<Record<string, string>>;
}

/** A pod of `template` in the namespace of `workload`. */
export function buildPod(workload: WorkloadObject, template: PodTemplate, identity: PodIdentity): Pod {
  const annotations = template.metadata?.annotations;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: identity.name,
      generateName: identity.generateName,
      namespace: workload.metadata.namespace,
      labels: { ...template.metadata?.labels, ...identity.labels },
      ...(annotations === undefined ? {} : { annotations }),
      ownerReferences: [identity.owner],
    },
    spec: template.spec,
  };
}

export function ownerReference(
  workload: WorkloadObject,
  override: { apiVersion?: string; kind?: string; name?: string } = {},
): OwnerReference {
  const { apiVersion, kind, metadata } = workload;
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid ?? "", controller: true, ...override };
}

/** The hash of what a pod is made of; labels of the template count, as in Kubernetes. */
export function workloadTemplateHash(template: PodTemplate): string {
  return templateHash({ metadata: template.metadata ?? {}, spec: template.spec });
}
