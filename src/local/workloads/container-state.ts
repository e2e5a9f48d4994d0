// What a container is doing, and how the pod's status says it. Pure.

import type { Container } from "../../kinds/pod/container.ts";
import type { ContainerStatus } from "../../kinds/pod/pod.ts";

export interface Termination {
  readonly exitCode: number;
  readonly signal?: number;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
}

export type ContainerState =
  | { readonly kind: "waiting"; readonly reason: string; readonly message?: string }
  | { readonly kind: "running"; readonly startedAtMs: number }
  | { readonly kind: "terminated"; readonly end: Termination };

export interface ContainerSnapshot {
  readonly container: Container;
  readonly state: ContainerState;
  readonly lastEnd?: Termination;
  readonly restartCount: number;
  readonly isStarted: boolean;
  readonly isReady: boolean;
}

export function containerStatus(snapshot: ContainerSnapshot): ContainerStatus {
  const { container, state, lastEnd, restartCount, isStarted, isReady } = snapshot;
  return {
    name: container.name,
    image: container.image ?? "",
    imageID: "",
    ready: isReady,
    started: isStarted,
    restartCount,
    state: stateStatus(state),
    ...(lastEnd === undefined ? {} : { lastState: { terminated: terminationStatus(lastEnd) } }),
  };
}

function stateStatus(state: ContainerState): Readonly<Record<string, unknown>> {
  switch (state.kind) {
    case "waiting": {
      const { reason, message } = state;
      return { waiting: message === undefined ? { reason } : { reason, message } };
    }
    case "running":
      return { running: { startedAt: timestamp(state.startedAtMs) } };
    case "terminated":
      return { terminated: terminationStatus(state.end) };
  }
}

function terminationStatus({ exitCode, signal, startedAtMs, finishedAtMs }: Termination) {
  return {
    exitCode,
    ...(signal === undefined ? {} : { signal }),
    reason: exitCode === 0 ? "Completed" : "Error",
    startedAt: timestamp(startedAtMs),
    finishedAt: timestamp(finishedAtMs),
  };
}

/** RFC 3339 to the second, as Kubernetes writes time. */
export function timestamp(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19)}Z`;
}
