import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../core/clock.ts";
import type { Probe } from "../../kinds/pod/probe.ts";
import { runProbeLoop } from "./probe-loop.ts";
import type { ProbeKind } from "./probe-state.ts";
import { probeTiming } from "./probe-state.ts";

/** A probe whose answer is a switch; `advance` lets each answer arrive before time goes on. */
function run(kind: ProbeKind, probe: Probe, isHealthy = true) {
  const clock = new ManualClock();
  const seen: string[] = [];
  const state = { isHealthy, askedAtMs: [] as number[] };
  const close = runProbeLoop({
    kind,
    timing: probeTiming(probe),
    clock,
    ask: async () => {
      state.askedAtMs.push(clock.now());
      return { isSuccess: state.isHealthy, message: "" };
    },
    onVerdict: (verdict) => seen.push(`${clock.now()} ${verdict}`),
  });
  const advance = async (byMs: number) => {
    for (let passedMs = 0; passedMs < byMs; passedMs += 50) {
      clock.advance(50);
      await new Promise(setImmediate);
    }
  };
  return { state, seen, advance, close };
}

test("runProbeLoop() asks a readiness probe eagerly until it passes, then by its period", async () => {
  const loop = run("readiness", { periodSeconds: 10 }, false);
  await loop.advance(1_000);
  loop.state.isHealthy = true;
  await loop.advance(1_000);
  assert.equal(loop.seen.length, 1);
  assert.match(loop.seen[0] ?? "", /^1\d\d\d passing$/);
  const askedCount = loop.state.askedAtMs.length;
  await loop.advance(9_000);
  assert.ok(loop.state.askedAtMs.length <= askedCount + 1);
  loop.close();
});

test("runProbeLoop() fails a ready container after failureThreshold periods and lets it return", async () => {
  const loop = run("readiness", { periodSeconds: 1, failureThreshold: 2 });
  await loop.advance(200);
  loop.state.isHealthy = false;
  await loop.advance(2_500);
  loop.state.isHealthy = true;
  await loop.advance(2_000);
  assert.deepEqual(
    loop.seen.map((event) => event.split(" ")[1]),
    ["passing", "failing", "passing"],
  );
  loop.close();
});

test("runProbeLoop() counts a startup probe's failures by its period, however eagerly it asks", async () => {
  const loop = run("startup", { periodSeconds: 10, failureThreshold: 3 }, false);
  await loop.advance(19_000);
  assert.deepEqual(loop.seen, []);
  assert.ok(loop.state.askedAtMs.length > 5);
  await loop.advance(12_000);
  assert.equal(loop.seen.length, 1);
  assert.match(loop.seen[0] ?? "", /failing$/);
  loop.close();
});

test("runProbeLoop() waits initialDelaySeconds and ends when closed", async () => {
  const loop = run("liveness", { initialDelaySeconds: 2, periodSeconds: 1 });
  await loop.advance(1_900);
  assert.deepEqual(loop.state.askedAtMs, []);
  await loop.advance(200);
  assert.deepEqual(loop.state.askedAtMs, [2_000]);
  loop.close();
  await loop.advance(5_000);
  assert.equal(loop.state.askedAtMs.length, 1);
});
