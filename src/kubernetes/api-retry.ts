// When a request that failed is tried again. It holds the counts; whoever retries holds the clock.

import { type Backoff, backoffDelayMs } from "../core/backoff.ts";
import { ApiError, ApiSilence } from "./api-error.ts";

export interface ApiRetry {
  /** How long to wait after this failure; longer and longer, and no less than the server asks for. */
  delayAfterMs(error: unknown): number;
  succeeded(): void;
}

/** Of a server that is away: a try costs nobody anything, and what waits for it should arrive soon after it is back. */
const awayBackoff: Backoff = { firstMs: 500, maxMs: 3_000 };

/** `refusedBackoff` is for a server that answers, and is the better for being left alone. */
export function createApiRetry(refusedBackoff: Backoff, random: () => number): ApiRetry {
  // Apart, since a server that was away for long refuses a little while it starts.
  let awayCount = 0;
  let refusedCount = 0;
  return {
    delayAfterMs(error) {
      if (isServerAway(error)) return backoffDelayMs(awayCount++, awayBackoff, random);
      const wantedMs = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
      return Math.max(wantedMs, backoffDelayMs(refusedCount++, refusedBackoff, random));
    },
    succeeded() {
      awayCount = 0;
      refusedCount = 0;
    },
  };
}

/** Nobody answered, or only what is in front of the server: a load balancer's answer holds no Status object. */
export function isServerAway(error: unknown): boolean {
  if (error instanceof ApiError) return error.reason === "" && [502, 503, 504].includes(error.status);
  return error instanceof ApiSilence || (error as NodeJS.ErrnoException).code !== undefined;
}
