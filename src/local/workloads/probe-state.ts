// A probe as a state machine: results go in, a verdict comes out. No clock, no network.

import { timerMs } from "../../core/clock.ts";
import type { Probe } from "../../kinds/pod/probe.ts";

export type ProbeKind = "startup" | "readiness" | "liveness";

export interface ProbeTiming {
  readonly initialDelayMs: number;
  readonly periodMs: number;
  readonly timeoutMs: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
}

/** `pending` until a threshold is reached for the first time. */
export interface ProbeState {
  readonly verdict: "pending" | "passing" | "failing";
  readonly successCount: number;
  readonly failureCount: number;
}

export const INITIAL_PROBE_STATE: ProbeState = { verdict: "pending", successCount: 0, failureCount: 0 };

/** Kubernetes' defaults, for 0 too: each 10 s, 1 s to answer, 1 success, 3 failures. */
export function probeTiming(probe: Probe): ProbeTiming {
  return {
    initialDelayMs: timerMs(probe.initialDelaySeconds ?? 0),
    periodMs: timerMs(positive(probe.periodSeconds, 10)),
    timeoutMs: timerMs(positive(probe.timeoutSeconds, 1)),
    successThreshold: positive(probe.successThreshold, 1),
    failureThreshold: positive(probe.failureThreshold, 3),
  };
}

function positive(value: number | undefined, otherwise: number): number {
  return value !== undefined && value >= 1 ? value : otherwise;
}

export function nextProbeState(state: ProbeState, isSuccess: boolean, timing: ProbeTiming): ProbeState {
  const successCount = isSuccess ? state.successCount + 1 : 0;
  const failureCount = isSuccess ? 0 : state.failureCount + 1;
  if (successCount >= timing.successThreshold) return { verdict: "passing", successCount, failureCount };
  if (failureCount >= timing.failureThreshold) return { verdict: "failing", successCount, failureCount };
  return { verdict: state.verdict, successCount, failureCount };
}

const FIRST_EAGER_DELAY_MS = 100;

/**
 * When to ask again. Until a startup or readiness probe passes for the first time it is asked eagerly, after 100 ms,
 * 200 ms and so on up to its period: Kubernetes would let a pod that is up after one second wait for ten.
 */
export function nextProbeDelayMs(hasPassed: boolean, attemptCount: number, timing: ProbeTiming): number {
  if (hasPassed) return timing.periodMs;
  return Math.min(timing.periodMs, FIRST_EAGER_DELAY_MS * 2 ** Math.min(attemptCount, 20));
}
