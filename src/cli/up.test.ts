import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../core/clock.ts";
import { watchErrors } from "./up.ts";

/** Moves second by second and lets promises settle, then says whether patience is over. */
async function isOverAfter(seconds: number, errorCountAt: (second: number) => number): Promise<boolean> {
  const clock = new ManualClock();
  const printer = {
    get errorCount() {
      return errorCountAt(clock.now() / 1000);
    },
  };
  let isOver = false;
  const patience = watchErrors(printer, clock);
  patience.isOver.then(
    () => {
      isOver = true;
    },
    () => undefined,
  );
  for (let second = 0; second < seconds; second += 1) clock.advance(1_000);
  patience.close();
  await new Promise(setImmediate);
  return isOver;
}

test("watchErrors() loses patience when errors stand for half a minute", async () => {
  assert.equal(await isOverAfter(29, () => 1), false);
  assert.equal(await isOverAfter(30, () => 1), true);
});

test("watchErrors() begins anew when errors have gone", async () => {
  assert.equal(await isOverAfter(45, (second) => (second === 20 ? 0 : 1)), false);
});
