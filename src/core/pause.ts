// Waits by the clock, or until the signal aborts.

import type { Clock } from "./clock.ts";

export function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) return done();
    const finish = () => {
      cancel();
      signal.removeEventListener("abort", finish);
      done();
    };
    const cancel = clock.after(delayMs, finish);
    signal.addEventListener("abort", finish);
  });
}
