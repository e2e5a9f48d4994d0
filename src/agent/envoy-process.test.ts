import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { ManualClock } from "../core/clock.ts";
import { silentLogger } from "../core/logger.ts";
import { createEnvoyAdmin } from "./envoy-admin.ts";
import type { EnvoyProcessOptions, ProcessEnd, RunningProcess } from "./envoy-process.ts";
import { envoyArguments, startEnvoyProcess } from "./envoy-process.ts";

// A process that ends when told, and records what it was sent.
function startFake({ onGivenUp }: Pick<EnvoyProcessOptions, "onGivenUp"> = {}) {
  const clock = new ManualClock();
  const started: { end: (end: ProcessEnd) => void; signals: string[] }[] = [];
  const spawn = (): RunningProcess => {
    const signals: string[] = [];
    let end: (end: ProcessEnd) => void = () => undefined;
    const ended = new Promise<ProcessEnd>((resolve) => {
      end = resolve;
    });
    started.push({ end, signals });
    return { pid: 100 + started.length, ended, kill: (signal) => void signals.push(signal) };
  };
  const envoy = startEnvoyProcess({
    spawn,
    args: [],
    takeLine: () => false,
    ...(onGivenUp !== undefined && { onGivenUp }),
    admin: createEnvoyAdmin("/nonexistent.sock"),
    clock,
    random: () => 0,
    log: silentLogger,
  });
  const crash = async (end: ProcessEnd = { code: null, signal: "SIGSEGV" }) => {
    started.at(-1)?.end(end);
    await nextTurn();
  };
  return { envoy, clock, started, crash };
}

test("startEnvoyProcess() doubles the delay with each crash and forgets after a sound run", async () => {
  const { envoy, clock, started, crash } = startFake();
  for (const delayMs of [100, 200, 400]) {
    const startCount = started.length;
    await crash();
    assert.equal(envoy.pid, undefined);
    clock.advance(delayMs - 1);
    assert.equal(started.length, startCount);
    clock.advance(1);
    assert.equal(started.length, startCount + 1);
  }
  clock.advance(10_000);
  await crash();
  clock.advance(100);
  assert.equal(started.length, 5);
  assert.equal(envoy.restartCount, 4);
});

for (const end of [
  { code: 0, signal: null },
  { code: 1, signal: null },
  { code: null, signal: null, reason: "spawn ENOENT" },
]) {
  test(`startEnvoyProcess() gives up after ${JSON.stringify(end)} where somebody is told, and goes on elsewhere`, async () => {
    const ends: ProcessEnd[] = [];
    const told = startFake({ onGivenUp: (one) => void ends.push(one) });
    await told.crash(end);
    told.clock.advance(60_000);
    assert.deepEqual([ends, told.started.length], [[end], 1]);
    const untold = startFake();
    await untold.crash(end);
    untold.clock.advance(60_000);
    assert.equal(untold.started.length, 2);
  });
}

test("startEnvoyProcess() gives up at the fifth crash without a sound run between", async () => {
  const ends: ProcessEnd[] = [];
  const { clock, started, crash } = startFake({ onGivenUp: (one) => void ends.push(one) });
  for (const runMs of [0, 0, 0, 0, 10_000, 0, 0, 0]) {
    clock.advance(runMs);
    await crash();
    clock.advance(1_600);
  }
  assert.deepEqual([ends, started.length], [[], 9]);
  await crash();
  assert.deepEqual(ends, [{ code: null, signal: "SIGSEGV" }]);
});

test("drain() doesn't wait for an Envoy that is gone, and starts no other", async () => {
  const { envoy, clock, started, crash } = startFake();
  const draining = envoy.drain({ terminationDrainMs: 60_000 });
  await crash();
  await draining;
  clock.advance(60_000);
  assert.equal(started.length, 1);
});

test("close() ends a process that doesn't obey, and starts no other", async () => {
  const { envoy, clock, started, crash } = startFake();
  const closing = envoy.close();
  assert.deepEqual(started[0]?.signals, ["SIGTERM"]);
  clock.advance(5_000);
  assert.deepEqual(started[0]?.signals, ["SIGTERM", "SIGKILL"]);
  await crash();
  await closing;
  clock.advance(60_000);
  assert.equal(started.length, 1);
});

test("close() in the middle of the back-off starts no other", async () => {
  const { envoy, clock, started, crash } = startFake();
  await crash();
  await envoy.close();
  clock.advance(60_000);
  assert.equal(started.length, 1);
});

test("envoyArguments() uses Istio's defaults", () => {
  const text = envoyArguments({ bootstrapPath: "/b.json" }).join(" ");
  for (const part of ["-c /b.json", "--drain-time-s 45", "--drain-strategy immediate", "--concurrency 2"]) {
    assert.ok(text.includes(part), part);
  }
});
