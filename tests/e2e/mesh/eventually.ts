// Waits for what the mesh will do soon: asks again until it holds. For facts that no event tells.

import { setTimeout as wait } from "node:timers/promises";

// Only there to end what would go on for ever.
const DEADLINE_MS = 60_000;
const PAUSE_MS = 20;

/** Resolves with what `check` gives when it no longer throws; after the deadline throws what it threw last. */
export async function eventually<T>(
  check: () => Promise<T> | T,
  { deadlineMs = DEADLINE_MS }: { readonly deadlineMs?: number } = {},
): Promise<T> {
  for (const endsAtMs = Date.now() + deadlineMs; ; await wait(PAUSE_MS)) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() >= endsAtMs) throw error;
    }
  }
}
