import assert from "node:assert/strict";
import { test } from "node:test";
import { settleDomains } from "./route-table.ts";

const cases: Readonly<
  Record<string, readonly [claims: readonly (readonly [string, ...string[]])[], left: readonly string[][]]>
> = {
  "leaves alone what nobody else claims": [
    [["a", "a."], ["b"]],
    [["a", "a."], ["b"]],
  ],
  "keeps a name with its owner, though an alternative came first": [
    [
      ["test.default", "test"],
      ["test", "test."],
    ],
    [["test.default"], ["test", "test."]],
  ],
  "gives an alternative to the first of two": [
    [
      ["a", "x"],
      ["b", "x"],
    ],
    [["a", "x"], ["b"]],
  ],
  "sees no difference in case": [
    [
      ["Test", "x"],
      ["b", "test", "X"],
    ],
    [["Test", "x"], ["b"]],
  ],
  "leaves nothing to the second of two equal names": [
    [
      ["a", "10.0.0.1"],
      ["a", "10.0.0.2"],
    ],
    [["a", "10.0.0.1"], []],
  ],
  "names a domain once within one claim": [[["a", "a", "A"]], [["a"]]],
};

for (const [name, [claims, left]] of Object.entries(cases)) {
  test(`settleDomains() ${name}`, () => {
    assert.deepEqual(settleDomains(claims.map((domains) => ({ name: domains[0], domains }))), left);
  });
}
