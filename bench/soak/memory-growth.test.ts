import assert from "node:assert/strict";
import { test } from "node:test";
import { measureGrowth } from "./memory-growth.ts";

const minutes = (count: number, bytesAt: (minute: number) => number) =>
  Array.from({ length: count }, (_, minute) => ({ atMs: minute * 60_000, bytes: bytesAt(minute) }));

test("measureGrowth() finds what leaks steadily, whatever it did before", () => {
  const samples = minutes(60, (minute) => (minute < 10 ? 900 : 100 + minute));
  const growth = measureGrowth(samples, 600_000);
  assert.equal(Math.round(growth.bytesPerHour), 60);
  assert.equal(growth.settledBytes, 116);
  assert.equal(growth.lastBytes, 154);
  assert.equal(growth.peakBytes, 159);
});

test("measureGrowth() finds none in what goes up and down", () => {
  const growth = measureGrowth(
    minutes(61, (minute) => (minute % 2 === 0 ? 100 : 110)),
    0,
  );
  assert.ok(Math.abs(growth.bytesPerHour) < 1, `${growth.bytesPerHour}`);
});

test("measureGrowth() refuses to judge by a handful", () => {
  assert.throws(
    () =>
      measureGrowth(
        minutes(10, () => 1),
        180_000,
      ),
    /7 samples after the warm-up/,
  );
});
