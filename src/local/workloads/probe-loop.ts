// Asks one probe of one container again and again until closed, and tells each change of verdict.

import type { Clock } from "../../core/clock.ts";
import type { ProbeKind, ProbeState, ProbeTiming } from "./probe-state.ts";
import { INITIAL_PROBE_STATE, nextProbeDelayMs, nextProbeState } from "./probe-state.ts";

export interface ProbeOutcome {
  readonly isSuccess: boolean;
  /** For status and logs, such as `HTTP 503`. */
  readonly message: string;
}

export interface ProbeLoopOptions {
  readonly kind: ProbeKind;
  readonly timing: ProbeTiming;
  readonly clock: Clock;
  /** Resolves in any case; the time that it may take is the callee's to keep. */
  readonly ask: () => Promise<ProbeOutcome>;
  readonly onVerdict: (verdict: "passing" | "failing", message: string) => void;
}

/** Starts asking; returns the function that ends it. */
export function runProbeLoop({ kind, timing, clock, ask, onVerdict }: ProbeLoopOptions): () => void {
  let state: ProbeState = INITIAL_PROBE_STATE;
  let isClosed = false;
  let hasPassed = kind === "liveness";
  let attemptCount = 0;
  let lastFailureAtMs = Number.NEGATIVE_INFINITY;
  let cancelTimer = clock.after(timing.initialDelayMs, () => void attempt());

  async function attempt(): Promise<void> {
    const outcome = await ask();
    if (isClosed) return;
    record(outcome);
    if (isClosed) return;
    cancelTimer = clock.after(nextProbeDelayMs(hasPassed, attemptCount, timing), () => void attempt());
    attemptCount += 1;
  }

  function record(outcome: ProbeOutcome): void {
    // Eager questions must not use up the failures that the period was meant to space out.
    if (!outcome.isSuccess && !hasPassed) {
      if (clock.now() - lastFailureAtMs < timing.periodMs) return;
      lastFailureAtMs = clock.now();
    }
    const before = state.verdict;
    state = nextProbeState(state, outcome.isSuccess, timing);
    if (state.verdict === "passing") hasPassed = true;
    if (state.verdict !== before && state.verdict !== "pending") onVerdict(state.verdict, outcome.message);
  }

  return () => {
    isClosed = true;
    cancelTimer();
  };
}
