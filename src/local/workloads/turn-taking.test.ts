import assert from "node:assert/strict";
import { test } from "node:test";
import { takeTurns } from "./turn-taking.ts";

test("takeTurns() runs at most so many at once, in order, and goes on after a failure", async () => {
  const inTurn = takeTurns(2);
  const started: number[] = [];
  let runningCount = 0;
  let mostRunning = 0;
  const work = (index: number) => async () => {
    started.push(index);
    runningCount += 1;
    mostRunning = Math.max(mostRunning, runningCount);
    await new Promise(setImmediate);
    runningCount -= 1;
    if (index === 1) throw new Error("one fails");
    return index;
  };
  const results = await Promise.allSettled([0, 1, 2, 3, 4].map((index) => inTurn(work(index))));
  assert.deepEqual(started, [0, 1, 2, 3, 4]);
  assert.equal(mostRunning, 2);
  assert.equal(results.filter(({ status }) => status === "fulfilled").length, 4);
});
