// The Deployment controller as a function: what to create and remove so that old pods give way to new ones
// within maxSurge and maxUnavailable. It sees pods alone: ReplicaSets exist in names and labels only.

import type { Deployment } from "../../kinds/deployment.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import { availableInMs, isAvailable, isFinished, isReady, isTerminating } from "./pod-condition.ts";
import { replicaSuffix } from "./template-hash.ts";
import type { WorkloadPlan } from "./workload-plan.ts";
import { buildPod, earliestMs, ownerReference, podCountOf, workloadTemplateHash } from "./workload-plan.ts";

export const POD_TEMPLATE_HASH_LABEL = "pod-template-hash";

/** `pods` are those owned by the deployment, terminating ones too. */
export function planDeployment(deployment: Deployment, pods: readonly Pod[], nowMs: number): WorkloadPlan {
  const view = lookAt(deployment, pods, nowMs);
  const moves = deployment.spec.paused === true ? pausedMoves(view) : strategyMoves(deployment, view);
  const create = newPods(deployment, pods, { hash: view.hash, count: moves.createCount });
  const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
  const recheckAfterMs = earliestMs(pods.map((pod) => availableInMs(pod, minReadySeconds, nowMs)));
  return {
    create,
    remove: moves.remove,
    status: deploymentStatus(deployment, view),
    ...(recheckAfterMs === undefined ? {} : { recheckAfterMs }),
  };
}

interface View {
  readonly hash: string;
  readonly wantedCount: number;
  readonly current: readonly Pod[];
  readonly old: readonly Pod[];
  readonly isLeaving: boolean;
  readonly isAvailable: (pod: Pod) => boolean;
}

interface Moves {
  readonly createCount: number;
  readonly remove: readonly Pod[];
}

function lookAt(deployment: Deployment, pods: readonly Pod[], nowMs: number): View {
  const hash = workloadTemplateHash(deployment.spec.template);
  const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
  const staying = pods.filter((pod) => !isTerminating(pod) && !isFinished(pod));
  return {
    hash,
    wantedCount: podCountOf(deployment.spec.replicas ?? 1),
    current: staying.filter((pod) => hashOf(pod) === hash),
    old: staying.filter((pod) => hashOf(pod) !== hash),
    isLeaving: pods.some((pod) => isTerminating(pod)),
    isAvailable: (pod) => isAvailable(pod, minReadySeconds, nowMs),
  };
}

function strategyMoves(deployment: Deployment, view: View): Moves {
  if (deployment.spec.strategy?.type === "Recreate") return recreateMoves(view);
  return rollingMoves(view, rollingBounds(deployment, view.wantedCount));
}

// A paused rollout still scales, but never starts pods of a new template beside old ones.
function pausedMoves(view: View): Moves {
  if (view.old.length > 0) return { createCount: 0, remove: [] };
  return scaleMoves(view);
}

function recreateMoves(view: View): Moves {
  if (view.old.length > 0) return { createCount: 0, remove: view.old };
  if (view.isLeaving && view.current.length === 0) return { createCount: 0, remove: [] };
  return scaleMoves(view);
}

function scaleMoves(view: View): Moves {
  const surplusCount = view.current.length - view.wantedCount;
  return {
    createCount: Math.max(0, -surplusCount),
    remove: dispensable(view.current, view).slice(0, Math.max(0, surplusCount)),
  };
}

interface Bounds {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

function rollingMoves(view: View, bounds: Bounds): Moves {
  const { wantedCount, current, old } = view;
  if (current.length > wantedCount) return scaleMoves(view);
  const totalCount = current.length + old.length;
  const room = wantedCount + bounds.maxSurge - totalCount;
  const createCount = Math.max(0, Math.min(wantedCount - current.length, room));

  const minAvailableCount = wantedCount - bounds.maxUnavailable;
  const availableCount = [...current, ...old].filter(view.isAvailable).length;
  const unavailableOld = old.filter((pod) => !view.isAvailable(pod));
  const newUnavailableCount = current.filter((pod) => !view.isAvailable(pod)).length;
  // An old pod that serves nobody may go first, but not below what the new ones are about to replace.
  const removableCount = Math.max(0, totalCount - minAvailableCount - newUnavailableCount);
  const broken = dispensable(unavailableOld, view).slice(0, removableCount);
  const spareCount = Math.max(
    0,
    Math.min(availableCount - minAvailableCount, removableCount - broken.length),
  );
  const serving = dispensable(old.filter(view.isAvailable), view).slice(0, spareCount);
  return { createCount, remove: [...broken, ...serving] };
}

/** The order in which Kubernetes gives pods up: not ready first, then the youngest. */
function dispensable(pods: readonly Pod[], view: View): readonly Pod[] {
  const rank = (pod: Pod) => (view.isAvailable(pod) ? 2 : isReady(pod) ? 1 : 0);
  return pods.toSorted(
    (left, right) =>
      rank(left) - rank(right) ||
      (right.metadata.creationTimestamp ?? "").localeCompare(left.metadata.creationTimestamp ?? "") ||
      right.metadata.name.localeCompare(left.metadata.name),
  );
}

function rollingBounds(deployment: Deployment, wantedCount: number): Bounds {
  const rollingUpdate = deployment.spec.strategy?.rollingUpdate;
  const maxSurge = absolute(rollingUpdate?.maxSurge ?? "25%", wantedCount, Math.ceil);
  const maxUnavailable = absolute(rollingUpdate?.maxUnavailable ?? "25%", wantedCount, Math.floor);
  // Both zero could never move; Kubernetes takes one away then.
  return { maxSurge, maxUnavailable: maxSurge === 0 && maxUnavailable === 0 ? 1 : maxUnavailable };
}

function absolute(value: number | string, ofCount: number, round: (value: number) => number): number {
  if (typeof value === "number") return value;
  const number = Number.parseFloat(value);
  if (Number.isNaN(number)) return 0;
  return value.endsWith("%") ? round((number * ofCount) / 100) : number;
}

function newPods(deployment: Deployment, pods: readonly Pod[], wanted: { hash: string; count: number }) {
  const { name, namespace } = deployment.metadata;
  const taken = new Set(pods.map((pod) => pod.metadata.name));
  const replicaSetName = `${name}-${wanted.hash}`;
  const owner = ownerReference(deployment, { kind: "ReplicaSet", name: replicaSetName });
  const created: Pod[] = [];
  for (let index = 0; created.length < wanted.count; index += 1) {
    const podName = `${replicaSetName}-${replicaSuffix(`${namespace}/${name}`, wanted.hash, index)}`;
    if (taken.has(podName)) continue;
    taken.add(podName);
    const labels = { [POD_TEMPLATE_HASH_LABEL]: wanted.hash };
    const identity = { name: podName, generateName: `${replicaSetName}-`, owner, labels };
    created.push(buildPod(deployment, deployment.spec.template, identity));
  }
  return created;
}

function deploymentStatus(deployment: Deployment, view: View): Readonly<Record<string, unknown>> {
  const staying = [...view.current, ...view.old];
  const availableCount = staying.filter(view.isAvailable).length;
  const isComplete =
    view.current.filter(view.isAvailable).length >= view.wantedCount && view.old.length === 0;
  const minAvailableCount = view.wantedCount - rollingBounds(deployment, view.wantedCount).maxUnavailable;
  return {
    observedGeneration: deployment.metadata.generation ?? 1,
    replicas: staying.length,
    updatedReplicas: view.current.length,
    readyReplicas: staying.filter(isReady).length,
    availableReplicas: availableCount,
    unavailableReplicas: Math.max(0, view.wantedCount - availableCount),
    conditions: [
      { type: "Available", status: availableCount >= minAvailableCount ? "True" : "False" },
      {
        type: "Progressing",
        status: "True",
        reason: isComplete ? "NewReplicaSetAvailable" : "ReplicaSetUpdated",
      },
    ],
  };
}

function hashOf(pod: Pod): string | undefined {
  return pod.metadata.labels?.[POD_TEMPLATE_HASH_LABEL];
}
