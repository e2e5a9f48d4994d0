import assert from "node:assert/strict";
import { test } from "node:test";
import { mergeUninjected } from "./merge-uninjected.ts";

test("mergeUninjected() has each group and each pod once", () => {
  const group = (namespace: string, pods: readonly string[]) =>
    ({ namespace, reason: "unknown revision", revision: "prod", pods }) as const;
  assert.deepEqual(
    mergeUninjected([[group("shop", ["b", "a"])], [group("shop", ["b", "c"]), group("bar", [])]]),
    [group("bar", []), group("shop", ["a", "b", "c"])],
  );
});
