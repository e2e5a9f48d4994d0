import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { redacted } from "./redacted.ts";

test("redacted() prints [redacted] in text, JSON and inspection", () => {
  const secret = redacted("hunter2");
  assert.equal(`${secret}`, "[redacted]");
  assert.equal(JSON.stringify({ secret }), '{"secret":"[redacted]"}');
  assert.equal(inspect({ nested: { secret } }, { depth: 9, showHidden: true }).includes("hunter2"), false);
});

test("redacted() reveals its value only when asked", () => {
  assert.equal(redacted("hunter2").reveal(), "hunter2");
  assert.equal(JSON.stringify({ ...redacted("hunter2") }).includes("hunter2"), false);
});
