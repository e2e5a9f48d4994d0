// How long to wait before the next try. Pure: whoever retries holds the count and the clock.

export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Doubles with each failure up to the limit, then takes between half and all of it, so that many don't retry in step. */
export function backoffDelayMs(
  failureCount: number,
  { firstMs, maxMs }: Backoff,
  random: () => number,
): number {
  const fullMs = Math.min(maxMs, firstMs * 2 ** Math.min(failureCount, 30));
  return Math.round(fullMs * (0.5 + random() / 2));
}
