// The ledger of pushes in the words of the admin's contract.

import { objectKeyText } from "../core/object-key.ts";
import { formatLocation } from "../core/problem.ts";
import type { Push, PushCause } from "../fleet/push-ledger.ts";
import type { PushCauseReport, PushReport } from "./contract/control-plane.ts";
import type { Locate } from "./fleet-report.ts";

const DEFAULT_LIMIT = 20;

/** `limit` as a query has it: all that are kept at the most; undefined where it is no number above 0. */
export function parsePushLimit(text: string | null): number | undefined {
  if (text === null) return DEFAULT_LIMIT;
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;
}

export function pushReports(pushes: readonly Push[], locate: Locate): readonly PushReport[] {
  return pushes.map(({ cause, sinceMs, lastInStepMs, cpuMs, ...counts }) => {
    const causes = causeReports(cause, locate);
    return {
      ...counts,
      at: new Date(sinceMs).toISOString(),
      trigger: cause.trigger,
      causes,
      causeCount: cause.objectCount ?? causes.length,
      cpuMs: Math.round(cpuMs * 100) / 100,
      ...(lastInStepMs !== undefined && { inStepAfterMs: Math.max(0, lastInStepMs - sinceMs) }),
    };
  });
}

function causeReports({ objects = [], proxy }: PushCause, locate: Locate): readonly PushCauseReport[] {
  const ofObjects = objects.map(({ object, revision }) => {
    const location = locate(object);
    return {
      what: objectKeyText(object),
      ...(revision !== undefined && { revision }),
      ...(location !== undefined && { location: formatLocation(location) }),
    };
  });
  return proxy === undefined ? ofObjects : [...ofObjects, { what: `proxy ${proxy}` }];
}
