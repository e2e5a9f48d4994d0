import assert from "node:assert/strict";
import { test } from "node:test";
import { isVisibleTo, resolveVisibility, type Visibility } from "./visibility.ts";

const cases: readonly (readonly [string, readonly string[] | undefined, Visibility])[] = [
  ["takes the kind's default where nothing is written", undefined, { namespaces: ["default-one"] }],
  ["takes the kind's default for an empty list", [], { namespaces: ["default-one"] }],
  ["is public with a star", ["*", "shop"], "public"],
  ["reads a dot as the object's own namespace, once", [".", "shop"], { namespaces: ["shop"] }],
  ["is nobody's with a tilde", ["~"], { namespaces: [] }],
  ["sorts namespaces", ["b", "a"], { namespaces: ["a", "b"] }],
];

for (const [name, exportTo, wanted] of cases) {
  test(`resolveVisibility() ${name}`, () => {
    assert.deepEqual(resolveVisibility(exportTo, "shop", ["default-one"]), wanted);
  });
}

test("isVisibleTo() asks the list, or nobody", () => {
  assert.ok(isVisibleTo("public", "anywhere"));
  assert.ok(isVisibleTo({ namespaces: ["shop"] }, "shop"));
  assert.ok(!isVisibleTo({ namespaces: ["shop"] }, "other"));
});
