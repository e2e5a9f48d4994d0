// What metrics call the workload of who asks for a certificate: as the mesh's objects say, not the caller.

import type { ProvenIdentity } from "../core/stream-identity.ts";
import { describeWorkload, type WorkloadDescription } from "../core/workload-description.ts";
import type { Model } from "../model/model.ts";
import { rowKey } from "../model/sources.ts";

/** Undefined where the caller is no pod, or none that is known by now. */
export function describeCaller(
  { workloads }: Pick<Model, "workloads">,
  { namespace, pod }: ProvenIdentity,
): WorkloadDescription | undefined {
  if (pod === undefined) return undefined;
  const workload = workloads.table.get(rowKey(namespace, pod.name));
  return workload?.uid === pod.uid ? describeWorkload(workload) : undefined;
}
