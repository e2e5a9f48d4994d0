// The status of a pod from what its containers are doing. Pure.

import type { Pod, PodCondition, PodStatus } from "../../kinds/pod/pod.ts";
import type { ContainerSnapshot } from "./container-state.ts";
import { containerStatus, timestamp } from "./container-state.ts";
import { runsAgain } from "./restart-policy.ts";

export interface PodSnapshot {
  readonly pod: Pod;
  readonly ip: string | undefined;
  readonly startedAtMs: number;
  /** Every init container has done its part. */
  readonly isInitialized: boolean;
  /** The sidecar serves, or there is none. */
  readonly isSidecarReady: boolean;
  readonly initContainers: readonly ContainerSnapshot[];
  readonly containers: readonly ContainerSnapshot[];
}

export type PodPhase = "Pending" | "Running" | "Succeeded" | "Failed";

export function buildPodStatus(snapshot: PodSnapshot, nowMs: number): PodStatus {
  const { pod, ip } = snapshot;
  const phase = podPhase(snapshot);
  return {
    phase,
    conditions: conditionsOf(snapshot, { phase, nowMs }),
    hostIP: "127.0.0.1",
    ...(ip === undefined ? {} : { podIP: ip, podIPs: [{ ip }] }),
    startTime: timestamp(snapshot.startedAtMs),
    ...(pod.spec.initContainers === undefined
      ? {}
      : { initContainerStatuses: snapshot.initContainers.map(containerStatus) }),
    containerStatuses: snapshot.containers.map(containerStatus),
  };
}

/** By the applications alone: a sidecar that still runs keeps no job from having succeeded. */
export function podPhase({ pod, isInitialized, initContainers, containers }: PodSnapshot): PodPhase {
  const policy = pod.spec.restartPolicy ?? "Always";
  const applications = containers.filter(({ container }) => container.name !== "istio-proxy");
  const considered = applications.length === 0 ? containers : applications;
  const initPolicy = policy === "Always" ? "OnFailure" : policy;
  const hasFailedInit = initContainers.some(
    ({ state, container }) =>
      container.restartPolicy !== "Always" &&
      state.kind === "terminated" &&
      state.end.exitCode !== 0 &&
      !runsAgain(initPolicy, state.end.exitCode),
  );
  if (hasFailedInit) return "Failed";
  if (!isInitialized) return "Pending";
  const ends = considered.flatMap(({ state }) => (state.kind === "terminated" ? [state.end.exitCode] : []));
  const areAllOver =
    ends.length === considered.length && ends.every((exitCode) => !runsAgain(policy, exitCode));
  if (areAllOver && ends.length > 0) return ends.every((exitCode) => exitCode === 0) ? "Succeeded" : "Failed";
  const hasRun = considered.some(({ state, lastEnd }) => state.kind !== "waiting" || lastEnd !== undefined);
  return hasRun ? "Running" : "Pending";
}

function conditionsOf(
  snapshot: PodSnapshot,
  { phase, nowMs }: { phase: PodPhase; nowMs: number },
): readonly PodCondition[] {
  const { pod, ip, isInitialized, isSidecarReady, containers } = snapshot;
  const isOver = phase === "Succeeded" || phase === "Failed";
  const areReady = isInitialized && isSidecarReady && containers.every(({ isReady }) => isReady) && !isOver;
  const unready = containers.filter(({ isReady }) => !isReady).map(({ container }) => container.name);
  const reason = phase === "Succeeded" ? "PodCompleted" : "ContainersNotReady";
  const why = { reason, message: `containers with unready status: [${unready.join(" ")}]` };
  const claims: readonly (readonly [string, boolean, { reason: string; message?: string }?])[] = [
    ["PodScheduled", true],
    ["PodReadyToStartContainers", ip !== undefined && !isOver],
    ["Initialized", isInitialized, { reason: "ContainersNotInitialized" }],
    ["ContainersReady", areReady, why],
    ["Ready", areReady, why],
  ];
  return claims.map(([type, isTrue, doubt]) => ({
    type,
    status: isTrue ? "True" : "False",
    ...(isTrue || doubt === undefined ? {} : doubt),
    lastTransitionTime: transitionTime(pod, { type, isTrue, nowMs }),
  }));
}

function transitionTime(pod: Pod, at: { type: string; isTrue: boolean; nowMs: number }): string {
  const before = pod.status?.conditions?.find((condition) => condition.type === at.type);
  const isSame = before?.status === (at.isTrue ? "True" : "False");
  return isSame && before.lastTransitionTime !== undefined ? before.lastTransitionTime : timestamp(at.nowMs);
}
