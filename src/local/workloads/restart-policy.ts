// When an ended container runs again, and how soon. Pure.

export interface BackOff {
  readonly delayMs: number;
  /** How many restarts in a row led here. */
  readonly count: number;
}

const FIRST_DELAY_MS = 200;
const MAX_DELAY_MS = 30_000;
const RESET_AFTER_MS = 600_000;

export const NO_BACK_OFF: BackOff = { delayMs: 0, count: 0 };

/**
 * The wait before the next start: 200 ms, doubling up to 30 s (Kubernetes: 10 s up to 5 min, which nobody at a
 * laptop waits for); a container that ran for 10 minutes starts over at 200 ms.
 */
export function nextBackOff(before: BackOff, ranForMs: number): BackOff {
  const count = ranForMs >= RESET_AFTER_MS ? 0 : before.count;
  return { delayMs: Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(count, 20)), count: count + 1 };
}

export type RestartPolicy = "Always" | "OnFailure" | "Never";

export function runsAgain(policy: RestartPolicy, exitCode: number): boolean {
  return policy === "Always" || (policy === "OnFailure" && exitCode !== 0);
}
