import assert from "node:assert/strict";
import { test } from "node:test";
import type { ObjectKey } from "./object-key.ts";
import type { Positions } from "./positions.ts";
import { locate, movedPositions, moveOf, subtree } from "./positions.ts";

const positions: Positions = {
  file: "a.yaml",
  root: [1, 1, { spec: [3, 1, { http: [4, 3, [[5, 5, { name: [5, 7] }]]] }] }],
};

test("locate() finds a field, or the nearest around it", () => {
  const cases: [string, number, number][] = [
    ["", 1, 1],
    ["spec.http", 4, 3],
    ["spec.http[0].name", 5, 7],
    ["spec.http[0].route[1].weight", 5, 5],
    ["spec.http[7]", 4, 3],
    ["spec.http.length", 4, 3],
    ["spec.toString", 3, 1],
    ["status", 1, 1],
  ];
  for (const [path, line, column] of cases) {
    assert.deepEqual(locate(positions, path), { file: "a.yaml", line, column }, path);
  }
});

test("movedPositions() finds the fields of an object where it moved to", () => {
  const move = { key: "Service/shop/a" as ObjectKey, file: "b.yaml", firstLine: 11 };
  const moved = movedPositions(positions, move);
  assert.deepEqual(locate(moved, "spec.http[0]"), { file: "b.yaml", line: 15, column: 5 });
  assert.deepEqual(moveOf(move.key, moved), move);
});

test("locate() works on what went through JSON", () => {
  const copy = JSON.parse(JSON.stringify(positions)) as Positions;
  assert.equal(locate(copy, "spec.http[0].name").line, 5);
});

test("subtree() is the part below a field", () => {
  assert.deepEqual(subtree(positions.root, ["spec", "http", 0]), [5, 5, { name: [5, 7] }]);
});
