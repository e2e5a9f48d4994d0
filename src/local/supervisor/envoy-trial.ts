// Whether the Envoy that all pods run can run at all: where every Envoy of a mesh ends soon after its start, time after
// time, another start won't do better. One pod whose own settings its Envoy refuses is no such case. Knows no pod.

import type { ProcessEnd } from "../../agent/envoy-process.ts";
import type { Clock } from "../../core/clock.ts";

// Starting pods takes about a second: by then all have tried.
const TRIAL_MS = 3_000;
const MIN_FAILURES = 3;

export interface EnvoyTrial {
  /** An Envoy was started; the answer is to be called at its end, with the last line that it printed. */
  begin(): (end: ProcessEnd, lastLine: string | undefined) => void;
}

interface TrialOptions {
  readonly envoyPath: string;
  readonly clock: Clock;
  /** Gets the sentence, once. */
  readonly onFailed: (sentence: string) => void;
}

export function startEnvoyTrial({ envoyPath, clock, onFailed }: TrialOptions): EnvoyTrial {
  let firstStartMs: number | undefined;
  let runningCount = 0;
  let failureCount = 0;
  let isOver = false;
  return {
    begin() {
      const startedMs = clock.now();
      firstStartMs ??= startedMs;
      runningCount += 1;
      return (end, lastLine) => {
        runningCount -= 1;
        const nowMs = clock.now();
        const isOurs = end.signal === "SIGTERM" || end.signal === "SIGKILL" || end.code === 0;
        if (nowMs - startedMs >= TRIAL_MS) isOver = true;
        if (isOver || isOurs) return;
        failureCount += 1;
        const hasBeenTried = failureCount >= MIN_FAILURES && nowMs - (firstStartMs ?? nowMs) >= TRIAL_MS;
        if (!hasBeenTried || runningCount > 0) return;
        isOver = true;
        const said = lastLine === undefined ? "" : `, and said: ${lastLine}`;
        onFailed(`Cannot run Envoy "${envoyPath}": it ${describeEnd(end)} ${failureCount} times${said}`);
      };
    },
  };
}

function describeEnd({ code, signal, reason }: ProcessEnd): string {
  if (reason !== undefined) return `couldn't be started (${reason})`;
  return signal === null ? `ended with code ${code}` : `was ended by ${signal}`;
}
