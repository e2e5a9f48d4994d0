import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_PODS_OF_WORKLOAD, podCountOf } from "./workload-plan.ts";

test("podCountOf() bounds a slip of the pen", () => {
  assert.deepEqual([-1, 0, 3, 2 ** 31 - 1].map(podCountOf), [0, 0, 3, MAX_PODS_OF_WORKLOAD]);
});
