import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../core/clock.ts";
import type { ObjectKey } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import { problem } from "../../core/problem.ts";
import { DeclaredObjects } from "./declared-objects.ts";
import { ProblemBoard } from "./problem-board.ts";

const object = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web", namespace: "shop" } };
const key = "Deployment/shop/web" as ObjectKey;
const positions = { file: "web.yaml", root: [1, 1, { spec: [5, 1] }] as const };

function boardOf(declared: DeclaredObjects) {
  const clock = new ManualClock();
  const told: (readonly Problem[])[] = [];
  const locate = declared.locate.bind(declared);
  const board = new ProblemBoard({ clock, locate, onChange: (problems) => told.push(problems) });
  return { board, told, settle: () => clock.advance(100) };
}

test("ProblemBoard tells where the object of a problem is written, and tells it again when that moved", () => {
  const declared = new DeclaredObjects();
  declared.apply({ upserts: [{ object, positions }], moves: [], deletes: [] });
  const { board, told, settle } = boardOf(declared);
  board.set("controllers", [problem("MLT3123", { object: key, path: "spec.replicas", message: "x" })]);
  settle();
  declared.apply({ upserts: [], moves: [{ key, file: "web.yaml", firstLine: 4 }], deletes: [] });
  board.relocate();
  settle();
  const places = told.map((problems) => problems.map(({ location }) => location?.line));
  assert.deepEqual(places, [[5], [8]]);
});

test("ProblemBoard tells nothing where nothing moved, and leaves places that it doesn't know", () => {
  const { board, told, settle } = boardOf(new DeclaredObjects());
  const location = { file: "images.yaml", line: 3, column: 1 };
  board.set("images", [problem("MLT3123", { location, message: "x" })]);
  settle();
  board.relocate();
  settle();
  assert.deepEqual(
    told.map((problems) => problems.map((found) => found.location)),
    [[location]],
  );
});
