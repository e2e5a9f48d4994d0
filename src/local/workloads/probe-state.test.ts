import assert from "node:assert/strict";
import { test } from "node:test";
import { probeTiming } from "./probe-state.ts";

const DAY_24_MS = 2 ** 31 - 1;

test("probeTiming() takes Kubernetes' default for 0, not a second", () => {
  const zero = { periodSeconds: 0, timeoutSeconds: 0, successThreshold: 0, failureThreshold: 0 };
  assert.deepEqual(probeTiming(zero), probeTiming({}));
  assert.equal(probeTiming(zero).periodMs, 10_000);
});

test("probeTiming() stays within what timers take: Node fires beyond it at once", () => {
  const huge = {
    periodSeconds: 2_147_483_647,
    timeoutSeconds: 2_147_483_647,
    initialDelaySeconds: 2_147_483_647,
  };
  const { periodMs, timeoutMs, initialDelayMs } = probeTiming(huge);
  assert.deepEqual([periodMs, timeoutMs, initialDelayMs], [DAY_24_MS, DAY_24_MS, DAY_24_MS]);
  assert.doesNotThrow(() => AbortSignal.timeout(timeoutMs));
  assert.equal(probeTiming({ initialDelaySeconds: -5 }).initialDelayMs, 0);
});
