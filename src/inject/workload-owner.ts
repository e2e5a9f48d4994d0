// Which workload a pod belongs to, as people think of it: the Deployment rather than its ReplicaSet, or what a label
// says.

import type { InjectablePod, WorkloadOwner } from "./injectable-pod.ts";
import { labelOf } from "./injectable-pod.ts";

export function workloadOwnerOf(pod: InjectablePod): WorkloadOwner {
  const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (owner === undefined) {
    return {
      apiVersion: "v1",
      kind: "Pod",
      name: pod.metadata.name ?? stem(pod.metadata.generateName ?? ""),
    };
  }
  const hash = labelOf(pod, "pod-template-hash");
  if (owner.kind === "ReplicaSet" && hash !== undefined && owner.name.endsWith(`-${hash}`)) {
    return { apiVersion: owner.apiVersion, kind: "Deployment", name: owner.name.slice(0, -hash.length - 1) };
  }
  // A CronJob names its Jobs after itself and the minute for which they are due.
  const [, cronJob] = (owner.kind === "Job" && /^(.+)-\d{8,10}$/.exec(owner.name)) || [];
  if (cronJob !== undefined) return { apiVersion: owner.apiVersion, kind: "CronJob", name: cronJob };
  return { apiVersion: owner.apiVersion, kind: owner.kind, name: owner.name };
}

/** Under this name telemetry shows the workload; several workloads may share one. */
export function workloadNameOf(pod: InjectablePod, owner: WorkloadOwner): string {
  return labelOf(pod, "service.istio.io/workload-name") || owner.name;
}

/** `kubernetes://apis/apps/v1/namespaces/shop/deployments/reviews-v1` */
export function ownerUri(owner: WorkloadOwner, namespace: string): string {
  const { apiVersion, kind, name } = owner;
  return `kubernetes://apis/${apiVersion}/namespaces/${namespace}/${kind.toLowerCase()}s/${name}`;
}

function stem(generateName: string): string {
  return generateName.replace(/-$/, "");
}
