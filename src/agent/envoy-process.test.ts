import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { ManualClock } from "../core/clock.ts";
import { silentLogger } from "../core/logger.ts";
import { createEnvoyAdmin } from "./envoy-admin.ts";
import type { RunningProcess } from "./envoy-process.ts";
import { envoyArguments, startEnvoyProcess } from "./envoy-process.ts";

// A process that ends when told, and records what it was sent.
function startFake() {
  const clock = new ManualClock();
  const started: { end: () => void; signals: string[] }[] = [];
  const spawn = (): RunningProcess => {
    const signals: string[] = [];
    let end: () => void = () => undefined;
    const ended = new Promise<{ code: number; signal: null }>((resolve) => {
      end = () => resolve({ code: 1, signal: null });
    });
    started.push({ end, signals });
    return { pid: 100 + started.length, ended, kill: (signal) => void signals.push(signal) };
  };
  const envoy = startEnvoyProcess({
    spawn,
    args: [],
    admin: createEnvoyAdmin("/nonexistent.sock"),
    clock,
    random: () => 0,
    log: silentLogger,
  });
  const crash = async () => {
    started.at(-1)?.end();
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
