// Whether everything that was declared is up, from the objects' status. Pure.

import type { KubernetesObject } from "../../kinds/define-kind.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import { isFinished, isReady, isTerminating } from "../workloads/pod-condition.ts";

export interface MeshReadiness {
  readonly readyPodCount: number;
  readonly podCount: number;
  readonly isReady: boolean;
}

interface Counts {
  readonly replicas?: number;
  readonly updatedReplicas?: number;
  readonly availableReplicas?: number;
  readonly numberReady?: number;
}

/** `list` gives the objects of a kind. A pod of a job counts as ready when it runs or has ended well. */
export function meshReadiness(list: (kind: string) => readonly KubernetesObject[]): MeshReadiness {
  const pods = (list("Pod") as readonly Pod[]).filter((pod) => !isTerminating(pod));
  const readyPodCount = pods.filter((pod) => isReady(pod) || isJobUnderWay(pod)).length;
  const areWorkloadsReady =
    [...list("Deployment"), ...list("StatefulSet")].every(hasItsReplicas) &&
    list("DaemonSet").every(({ status }) => ((status ?? {}) as Counts).numberReady === 1);
  return {
    readyPodCount,
    podCount: pods.length,
    isReady: areWorkloadsReady && readyPodCount === pods.length,
  };
}

function hasItsReplicas({ spec, status }: KubernetesObject): boolean {
  const wantedCount = ((spec ?? {}) as Counts).replicas ?? 1;
  const { updatedReplicas = 0, availableReplicas = 0 } = (status ?? {}) as Counts;
  return updatedReplicas >= wantedCount && availableReplicas >= wantedCount;
}

function isJobUnderWay(pod: Pod): boolean {
  const isOfJob = pod.metadata.ownerReferences?.some(({ kind }) => kind === "Job") === true;
  return (
    pod.status?.phase === "Succeeded" || (isOfJob && (isFinished(pod) || pod.status?.phase === "Running"))
  );
}
