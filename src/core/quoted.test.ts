import assert from "node:assert/strict";
import { test } from "node:test";
import { quoted } from "./quoted.ts";

test("quoted() cuts what is long and escapes what would break a line", () => {
  assert.equal(quoted("web"), '"web"');
  assert.equal(quoted('a"b\n\u001b[2J'), '"a\\"b\\n\\u001b[2J"');
  assert.equal(quoted("x".repeat(80)), `"${"x".repeat(80)}"`);
  assert.equal(quoted("x".repeat(60_000)), `"${"x".repeat(80)}…"`);
});
