import assert from "node:assert/strict";
import { it } from "node:test";
import { ManualClock } from "../core/clock.ts";
import { createTurnQueue } from "./turn-queue.ts";

it("createTurnQueue() runs tasks at once while they are quick", () => {
  const clock = new ManualClock();
  const queue = createTurnQueue(clock);
  const done: string[] = [];
  for (const name of ["a", "b", "c"]) queue.take(() => done.push(name));
  assert.deepEqual(done, ["a", "b", "c"]);
});

it("createTurnQueue() puts tasks off when a turn is used up, and keeps their order", () => {
  let nowMs = 0;
  const timers: (() => void)[] = [];
  const queue = createTurnQueue({
    now: () => nowMs,
    after: (_delayMs, callback) => {
      timers.push(callback);
      return () => undefined;
    },
  });
  const done: string[] = [];
  const slow = (name: string) => () => {
    nowMs += 20;
    done.push(name);
  };
  for (const name of ["a", "b", "c", "d"]) queue.take(slow(name));
  assert.deepEqual(done, ["a", "b"]);
  timers.shift()?.();
  assert.deepEqual(done, ["a", "b", "c", "d"]);
  queue.take(slow("e"));
  assert.deepEqual(done, ["a", "b", "c", "d"]);
  timers.shift()?.();
  assert.deepEqual(done, ["a", "b", "c", "d", "e"]);
});
