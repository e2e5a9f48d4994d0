// What a pod's stored status says to controllers and endpoints: ready, available, ended, leaving.

import type { Pod } from "../../kinds/pod/pod.ts";

export function isTerminating(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp !== undefined;
}

/** Succeeded or Failed: no container of it will run again. */
export function isFinished(pod: Pod): boolean {
  return pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
}

/** The condition `Ready` is True; a terminating pod can still be ready. */
export function isReady(pod: Pod): boolean {
  return readyCondition(pod)?.status === "True";
}

/**
 * Milliseconds until a ready pod counts as available: 0 when it does already, undefined when it isn't ready
 * or is leaving.
 */
export function availableInMs(pod: Pod, minReadySeconds: number, nowMs: number): number | undefined {
  if (!isReady(pod) || isTerminating(pod)) return undefined;
  const sinceMs = Date.parse(readyCondition(pod)?.lastTransitionTime ?? "");
  if (minReadySeconds === 0 || Number.isNaN(sinceMs)) return 0;
  return Math.max(0, sinceMs + minReadySeconds * 1000 - nowMs);
}

export function isAvailable(pod: Pod, minReadySeconds: number, nowMs: number): boolean {
  return availableInMs(pod, minReadySeconds, nowMs) === 0;
}

function readyCondition(pod: Pod) {
  return pod.status?.conditions?.find((condition) => condition.type === "Ready");
}
