// What a controller decides in one look at its object and pods, and the pods that it makes. No I/O, no clock.

import type { KubernetesObject, ObjectMetadata, OwnerReference, Pod, PodTemplate } from "./pod-spec.ts";
import { stableJson, templateHash } from "./template-hash.ts";

export interface WorkloadPlan {
  readonly create: readonly Pod[];
  /** Pods to delete; they terminate gracefully. */
  readonly remove: readonly Pod[];
  readonly status: Readonly<Record<string, unknown>>;
  /** Look again after this time even if nothing changes. */
  readonly recheckAfterMs?: number;
}

/** The smallest of the times given, if any. */
export function earliestMs(times: Iterable<number | undefined>): number | undefined {
  let earliest: number | undefined;
  for (const time of times) {
    if (time !== undefined && time > 0 && (earliest === undefined || time < earliest)) earliest = time;
  }
  return earliest;
}

export interface PodIdentity {
  readonly name: string;
  /** As a random name's stem would be in Kubernetes; injection derives the workload's name from it. */
  readonly generateName?: string;
  readonly owner: OwnerReference;
  readonly labels?: Readonly<Record<string, string>>;
}

/** A pod of `template` in the namespace of `workload`. */
export function buildPod(workload: KubernetesObject, template: PodTemplate, identity: PodIdentity): Pod {
  const metadata: ObjectMetadata = {
    name: identity.name,
    ...(identity.generateName === undefined ? {} : { generateName: identity.generateName }),
    namespace: workload.metadata.namespace ?? "default",
    labels: { ...template.metadata?.labels, ...identity.labels },
    ...(template.metadata?.annotations === undefined ? {} : { annotations: template.metadata.annotations }),
    ownerReferences: [identity.owner],
  };
  return { apiVersion: "v1", kind: "Pod", metadata, spec: template.spec };
}

export function ownerReference(
  workload: KubernetesObject,
  override: { apiVersion?: string; kind?: string; name?: string } = {},
): OwnerReference {
  const { apiVersion, kind, metadata } = workload;
  const uid = metadata.uid === undefined ? {} : { uid: metadata.uid };
  return { apiVersion, kind, name: metadata.name, ...uid, controller: true, ...override };
}

/** Whether the stored status says the same as the plan's, so that nothing need be written. */
export function sameStatus(left: unknown, right: unknown): boolean {
  return stableJson(left ?? {}) === stableJson(right ?? {});
}

/** The hash of what a pod is made of; labels of the template count, as in Kubernetes. */
export function workloadTemplateHash(template: PodTemplate): string {
  return templateHash({ metadata: template.metadata ?? {}, spec: template.spec });
}
