// Which workload a pod belongs to, as people think of it: the Deployment rather than its ReplicaSet, or what a label
// says.

import { controllingWorkload } from "../kinds/pod/controlling-workload.ts";
import type { InjectablePod, WorkloadOwner } from "./injectable-pod.ts";
import { labelOf } from "./injectable-pod.ts";

export function workloadOwnerOf(pod: InjectablePod): WorkloadOwner {
  const owner = controllingWorkload(pod.metadata);
  if (owner === undefined) {
    return {
      apiVersion: "v1",
      kind: "Pod",
      name: pod.metadata.name ?? stem(pod.metadata.generateName ?? ""),
    };
  }
  // A CronJob names its Jobs after itself and the minute for which they are due.
  const [, cronJob] = (owner.kind === "Job" && /^(.+)-\d{8,10}$/.exec(owner.name)) || [];
  return cronJob === undefined ? owner : { ...owner, kind: "CronJob", name: cronJob };
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
