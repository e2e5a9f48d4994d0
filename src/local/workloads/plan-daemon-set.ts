// The DaemonSet controller as a function: the machine is the only node, so a DaemonSet is one pod.

import type { DaemonSet } from "../../kinds/daemon-set.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import { REVISION_LABEL } from "./plan-stateful-set.ts";
import { isAvailable, isFinished, isReady, isTerminating } from "./pod-condition.ts";
import { replicaSuffix } from "./template-hash.ts";
import type { WorkloadPlan } from "./workload-plan.ts";
import { buildPod, ownerReference, workloadTemplateHash } from "./workload-plan.ts";

/** `pods` are those owned by the set, terminating ones too. The old pod goes before the new one comes. */
export function planDaemonSet(set: DaemonSet, pods: readonly Pod[], nowMs: number): WorkloadPlan {
  const revision = workloadTemplateHash(set.spec.template);
  const staying = pods.filter((pod) => !isTerminating(pod) && !isFinished(pod));
  const current = staying.filter((pod) => pod.metadata.labels?.[REVISION_LABEL] === revision);
  const old = staying.filter((pod) => pod.metadata.labels?.[REVISION_LABEL] !== revision);
  const isOnDelete = set.spec.updateStrategy?.type === "OnDelete";
  const available = staying.filter((pod) => isAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs));
  return {
    create: pods.some((pod) => !isFinished(pod)) ? [] : [podOf(set, pods, revision)],
    remove: isOnDelete ? current.slice(1) : [...old, ...current.slice(1)],
    status: {
      observedGeneration: set.metadata.generation ?? 1,
      desiredNumberScheduled: 1,
      currentNumberScheduled: Math.min(1, staying.length),
      updatedNumberScheduled: Math.min(1, current.length),
      numberReady: staying.filter(isReady).length,
      numberAvailable: available.length,
      numberMisscheduled: 0,
    },
  };
}

function podOf(set: DaemonSet, pods: readonly Pod[], revision: string): Pod {
  const { name, namespace } = set.metadata;
  const taken = new Set(pods.map((pod) => pod.metadata.name));
  const candidate = (index: number) => `${name}-${replicaSuffix(`${namespace}/${name}`, revision, index)}`;
  let index = 0;
  while (taken.has(candidate(index))) index += 1;
  return buildPod(set, set.spec.template, {
    name: candidate(index),
    generateName: `${name}-`,
    owner: ownerReference(set),
    labels: { [REVISION_LABEL]: revision },
  });
}
