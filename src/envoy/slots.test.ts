import assert from "node:assert/strict";
import { test } from "node:test";
import { inSlots, type SlotFeature } from "./slots.ts";

type Feature = SlotFeature<"first" | "second", number, string>;

test("inSlots() orders features by slot, and those of one slot as they are listed", () => {
  const features: readonly Feature[] = [
    { slot: "second", fields: [], build: (count) => Array.from({ length: count }, () => "b") },
    { slot: "first", fields: [], build: () => ["a1"] },
    { slot: "first", fields: [], build: () => ["a2"] },
  ];
  const build = inSlots<"first" | "second", number, string>(["first", "second"], features);
  assert.deepEqual(build(2), ["a1", "a2", "b", "b"]);
  assert.deepEqual(build(0), ["a1", "a2"]);
});
