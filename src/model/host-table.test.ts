import assert from "node:assert/strict";
import { test } from "node:test";
import { hostLookups } from "./host-table.ts";

const cases: Readonly<Record<string, readonly string[]>> = {
  "a.b.c": ["a.b.c", "*.b.c", "*.c", "*"],
  "*.b.c": ["*.b.c", "*.c", "*"],
  single: ["single", "*"],
  "*": ["*"],
};

for (const [hostname, wanted] of Object.entries(cases)) {
  test(`hostLookups() gives every name that covers ${hostname}, the narrowest first`, () => {
    assert.deepEqual(hostLookups(hostname), wanted);
  });
}
