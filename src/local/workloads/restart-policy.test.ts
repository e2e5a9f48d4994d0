import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_BACK_OFF, nextBackOff, runsAgain } from "./restart-policy.ts";

test("nextBackOff() doubles from 200 ms to 30 s and starts over after a long run", () => {
  const delays: number[] = [];
  let backOff = NO_BACK_OFF;
  for (let index = 0; index < 10; index += 1) {
    backOff = nextBackOff(backOff, 1_000);
    delays.push(backOff.delayMs);
  }
  assert.deepEqual(delays, [200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000]);
  assert.equal(nextBackOff(backOff, 600_000).delayMs, 200);
});

test("runsAgain() follows the restart policy", () => {
  assert.deepEqual(
    [runsAgain("Always", 0), runsAgain("OnFailure", 0), runsAgain("OnFailure", 1), runsAgain("Never", 1)],
    [true, false, true, false],
  );
});
