import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../core/clock.ts";
import { RecognitionWaits } from "./recognition-waits.ts";

/** What has become of each wait, in the order of their ends. */
function started(...keys: string[]) {
  const clock = new ManualClock(0);
  const waits = new RecognitionWaits(clock);
  const ended: string[] = [];
  for (const key of keys) void waits.wait(key).then(() => ended.push(key));
  return { clock, waits, ended, settle: () => new Promise((resolve) => setImmediate(resolve)) };
}

test("RecognitionWaits ends the wait of the stream that is recognized, and no other", async () => {
  const { waits, ended, settle } = started("a", "b");
  waits.recognized("b");
  await settle();
  assert.deepEqual(ended, ["b"]);
});

test("RecognitionWaits lets nobody wait for longer than five seconds", async () => {
  const { clock, ended, settle } = started("a");
  clock.advance(4_999);
  await settle();
  assert.deepEqual(ended, []);
  clock.advance(1);
  await settle();
  assert.deepEqual(ended, ["a"]);
});

test("RecognitionWaits tells a stream that left nothing more", async () => {
  const { clock, waits, ended, settle } = started("a", "b");
  waits.left("a");
  waits.recognized("a");
  clock.advance(5_000);
  await settle();
  assert.deepEqual(ended, ["b"]);
});
