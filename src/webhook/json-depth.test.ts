import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeeperThan } from "./json-depth.ts";

test("isDeeperThan() counts lists and objects, and no bracket within text", () => {
  const depths: readonly (readonly [string, number])[] = [
    ["1", 0],
    ["[]", 1],
    ['{"a":[{"b":1}],"c":[]}', 3],
    ['["[[[[", "\\"[[[", "\\\\"]', 1],
    ["[[],[],[]]", 2],
  ];
  for (const [text, depth] of depths) {
    assert.equal(isDeeperThan(Buffer.from(text), depth), false, text);
    if (depth > 0) assert.equal(isDeeperThan(Buffer.from(text), depth - 1), true, text);
  }
});
