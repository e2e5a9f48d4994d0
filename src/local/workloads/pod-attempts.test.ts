import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../core/clock.ts";
import type { Problem } from "../../core/problem.ts";
import { PodAttempts } from "./pod-attempts.ts";

function attempts() {
  const clock = new ManualClock();
  const end = new AbortController();
  const warned: string[] = [];
  const problems: (Problem | undefined)[] = [];
  const tried = new PodAttempts({
    pod: { namespace: "shop", name: "web-1" },
    clock,
    log: { warn: (_fields: object, message = "") => void warned.push(message) } as never,
    signal: end.signal,
    onProblem: (found) => problems.push(found),
  });
  /** Whatever was to happen by now has happened. */
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  const pass = async (ms: number) => {
    clock.advance(ms);
    await settle();
  };
  return { tried, end, warned, problems, settle, pass };
}

/** Fails as often as it is told. */
function failing(failureCount: number) {
  let callCount = 0;
  const work = async () => {
    callCount += 1;
    if (callCount <= failureCount) throw new Error(`failure ${callCount}`);
    return "done";
  };
  return { work, callCount: () => callCount };
}

test("persist() tries again until it succeeds, tells why it failed, and then that it doesn't any more", async () => {
  const { tried, problems, settle, pass } = attempts();
  const { work, callCount } = failing(2);
  const outcome = tried.persist(work);
  await settle();
  assert.equal(callCount(), 1);
  await pass(300_000);
  await pass(300_000);
  assert.equal(await outcome, "done");
  assert.equal(callCount(), 3);
  assert.deepEqual(
    problems.map((found) => found?.message),
    [
      "Cannot start the pod yet, will try again: failure 1",
      "Cannot start the pod yet, will try again: failure 2",
      undefined,
    ],
  );
});

test("persist() tells nothing of what succeeds at once", async () => {
  const { tried, problems } = attempts();
  assert.equal(await tried.persist(failing(0).work), "done");
  assert.deepEqual(problems, []);
});

test("persist() waits no longer when the pod is to end", async () => {
  const { tried, end, settle } = attempts();
  const { work, callCount } = failing(9);
  const outcome = tried.persist(work);
  await settle();
  end.abort();
  assert.equal(await outcome, undefined);
  assert.equal(callCount(), 1);
});

test("cleanUp() gives up after three tries, each of them logged", async () => {
  const { tried, warned, settle, pass } = attempts();
  const { work, callCount } = failing(9);
  const outcome = tried.cleanUp(async () => void (await work()));
  await settle();
  await pass(300_000);
  await pass(300_000);
  await outcome;
  assert.equal(callCount(), 3);
  assert.deepEqual(warned, Array(3).fill("pod left something behind"));
});

test("explain() says of what isn't tried again no more than why", () => {
  const { tried, problems } = attempts();
  tried.explain("no namespace");
  assert.equal(problems[0]?.message, "Cannot start the pod: no namespace");
});
