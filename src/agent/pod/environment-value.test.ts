import assert from "node:assert/strict";
import { test } from "node:test";
import { isSettingError, readCount, readDurationMs, readFlag } from "./environment-value.ts";

const env = {
  TTL: "1m30s",
  DAYS: "1 day",
  SHORT: "10ms",
  EMPTY: "",
  SECONDS: "30",
  MANY: "3e1",
  ON: "True",
  OFF: "0",
  MAYBE: "yes",
};

test("readDurationMs() reads durations as Go does, and refuses the rest by name", () => {
  assert.equal(readDurationMs(env, "TTL"), 90_000);
  assert.equal(readDurationMs(env, "EMPTY"), undefined);
  assert.equal(readDurationMs(env, "ABSENT"), undefined);
  assert.throws(() => readDurationMs(env, "DAYS"), {
    message: 'Cannot read DAYS "1 day": wanted a duration, such as "30s" or "1h30m"',
  });
  assert.throws(() => readDurationMs(env, "SHORT", { leastMs: 1_000 }), /of at least 1s/);
});

test("readCount() takes whole numbers alone", () => {
  assert.equal(readCount(env, "SECONDS"), 30);
  assert.equal(readCount(env, "ABSENT"), undefined);
  assert.throws(() => readCount(env, "MANY"), isSettingError);
});

test("readFlag() takes Go's words for true and false", () => {
  assert.deepEqual(
    [readFlag(env, "ON"), readFlag(env, "OFF"), readFlag(env, "ABSENT")],
    [true, false, false],
  );
  assert.throws(() => readFlag(env, "MAYBE"), /Cannot read MAYBE "yes": wanted "true" or "false"/);
});
