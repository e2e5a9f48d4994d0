// Whether an Envoy serves its first complete configuration, asked as cheaply as the question allows: LIVE is one short
// answer, and the statistics, which Envoy must search, are read only once it says so, until they said yes.

import type { Clock } from "../core/clock.ts";
import type { EnvoyAdmin } from "./envoy-admin.ts";

export interface ProxyReadiness {
  /** False too while nobody answers. */
  isReady(): Promise<boolean>;
}

interface ReadinessSources {
  readonly admin: Pick<EnvoyAdmin, "isLive" | "hasConfig">;
  /** What names the running process: an Envoy that was started again has no configuration yet. */
  readonly processId: () => number | undefined;
}

export function createProxyReadiness({ admin, processId }: ReadinessSources): ProxyReadiness {
  let configuredProcess: number | undefined;
  const check = async (): Promise<boolean> => {
    const asked = processId();
    if (!(await admin.isLive())) return false;
    if (asked !== undefined && asked === configuredProcess) return true;
    // An Envoy that refused its first clusters is LIVE without any.
    if (!(await admin.hasConfig())) return false;
    configuredProcess = asked;
    return true;
  };
  return { isReady: () => check().catch(() => false) };
}

const FIRST_POLL_MS = 25;
const MAX_POLL_MS = 1_000;
// A wait takes at most a tenth longer than it must, and an Envoy that waits long isn't kept busy by being asked.
const SHARE_OF_WAIT = 0.1;

/** Resolves once `isReady` says so; rejects when the signal is aborted. */
export async function waitUntilReady(
  isReady: () => Promise<boolean>,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<void> {
  const startedMs = clock.now();
  while (!(await isReady())) {
    signal?.throwIfAborted();
    const waitedMs = clock.now() - startedMs;
    const delayMs = Math.min(MAX_POLL_MS, Math.max(FIRST_POLL_MS, waitedMs * SHARE_OF_WAIT));
    await new Promise<void>((resolve) => clock.after(delayMs, resolve));
  }
}
