import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDuration, parseDurationMs } from "./duration.ts";

test("parseDuration() reads what Go's time.ParseDuration reads", () => {
  const cases: [string, bigint, number][] = [
    ["0", 0n, 0],
    ["5s", 5n, 0],
    ["1h2m3s5ms", 3723n, 5_000_000],
    ["1.5s", 1n, 500_000_000],
    [".5s", 0n, 500_000_000],
    ["1.s", 1n, 0],
    ["-1.5s", -1n, -500_000_000],
    ["100us", 0n, 100_000],
    ["100µs", 0n, 100_000],
    ["1ns", 0n, 1],
    ["0.000000001s", 0n, 1],
    ["1.5h", 5400n, 0],
    ["1s1s", 2n, 0],
  ];
  for (const [text, seconds, nanos] of cases) assert.deepEqual(parseDuration(text), { seconds, nanos }, text);
});

test("parseDuration() gives undefined for what has no unit or isn't a number", () => {
  for (const text of [
    "",
    "5",
    "5 s",
    " 5s",
    "s",
    ".s",
    "1d",
    "5sec",
    "1h-2m",
    "1e3s",
    "five",
    "9".repeat(80),
  ]) {
    assert.equal(parseDuration(text), undefined, text);
  }
});

test("parseDurationMs() keeps fractions of a millisecond", () => {
  assert.equal(parseDurationMs("1m0.25ms"), 60_000.25);
});
