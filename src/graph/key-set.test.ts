import assert from "node:assert/strict";
import { test } from "node:test";
import { type KeySet, keysIn, withKey, withoutKey } from "./key-set.ts";

test("a set of keys holds what was put in and not taken out, each once, in any order of doing so", () => {
  const names = ["a", "b", "c"];
  let state = 7;
  let keys: KeySet | undefined;
  const expected = new Set<string>();
  for (let step = 0; step < 500; step += 1) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    const name = names[(state >> 8) % names.length] ?? "a";
    if ((state >> 16) % 2 === 0) {
      keys = withKey(keys, name);
      expected.add(name);
    } else {
      if (keys !== undefined) keys = withoutKey(keys, name);
      expected.delete(name);
    }
    assert.deepEqual([...(keys === undefined ? [] : keysIn(keys))].sort(), [...expected].sort());
  }
});
