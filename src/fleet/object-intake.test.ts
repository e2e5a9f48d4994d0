import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../core/clock.ts";
import type { ObjectKey } from "../core/object-key.ts";
import { ObjectIntake } from "./object-intake.ts";

const key = "Service/shop/a" as ObjectKey;
const object = { apiVersion: "v1", kind: "Service", metadata: { name: "a", namespace: "shop" } };

test("ObjectIntake.move() changes where an object is found, and offers nothing again", () => {
  const clock = new ManualClock();
  const written: ObjectKey[] = [];
  const debounce = { afterMs: 10, atMostMs: 100 };
  const intake = new ObjectIntake({
    clock,
    debounce: { endpoints: debounce, config: debounce },
    commit: (write) => write({ set: () => undefined, delete: () => undefined }),
    objects: { write: (_, each) => void written.push(each), remove: () => undefined },
  });
  intake.change([{ key, object, positions: { file: "a.yaml", root: [1, 1, { spec: [3, 1] }] } }], []);
  clock.advance(1_000);
  intake.move([
    { key, file: "b.yaml", firstLine: 11 },
    { key: "Service/shop/unknown" as ObjectKey, file: "b.yaml", firstLine: 1 },
  ]);
  clock.advance(1_000);
  assert.deepEqual(intake.locate(key, "spec"), { file: "b.yaml", line: 13, column: 1 });
  assert.deepEqual(written, [key]);
});
