import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "./clock.ts";

test("ManualClock runs what falls due in order of time, also what was added meanwhile", () => {
  const clock = new ManualClock(1000);
  const ran: string[] = [];
  clock.after(30, () => ran.push(`c at ${clock.now()}`));
  clock.after(10, () => {
    ran.push(`a at ${clock.now()}`);
    clock.after(10, () => ran.push(`b at ${clock.now()}`));
  });
  clock.advance(25);
  assert.deepEqual(ran, ["a at 1010", "b at 1020"]);
  assert.equal(clock.now(), 1025);
  clock.advance(5);
  assert.equal(ran.at(-1), "c at 1030");
});

test("ManualClock forgets what was cancelled", () => {
  const clock = new ManualClock();
  let count = 0;
  const cancel = clock.after(10, () => {
    count += 1;
  });
  cancel();
  clock.advance(100);
  assert.equal(count, 0);
});
