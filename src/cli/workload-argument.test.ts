import assert from "node:assert/strict";
import { test } from "node:test";
import type { PodReport } from "../admin/contract/supervisor.ts";
import { CommandFailure } from "./exit-code.ts";
import { findPod, findPods } from "./workload-argument.ts";

function pod(name: string, workload: PodReport["workload"], changes: Partial<PodReport> = {}): PodReport {
  return { namespace: "shop", name, workload, phase: "Running", containers: [], ...changes };
}

const deployment = { kind: "Deployment", name: "reviews-v1" };
const pods = [
  pod("reviews-v1-5f7d-a", deployment, { phase: "Pending" }),
  pod("reviews-v1-5f7d-b", deployment),
  pod("redis-0", { kind: "StatefulSet", name: "redis" }),
  pod("redis-0", { kind: "StatefulSet", name: "redis" }, { namespace: "other" }),
];

const found = [
  { text: "reviews-v1", names: ["reviews-v1-5f7d-a", "reviews-v1-5f7d-b"] },
  { text: "deploy/reviews-v1", names: ["reviews-v1-5f7d-a", "reviews-v1-5f7d-b"] },
  { text: "deployment.apps/reviews-v1", names: ["reviews-v1-5f7d-a", "reviews-v1-5f7d-b"] },
  { text: "pod/reviews-v1-5f7d-b", names: ["reviews-v1-5f7d-b"] },
  { text: "reviews-v1-5f7d-b.shop", names: ["reviews-v1-5f7d-b"] },
  { text: "sts/redis.other", names: ["redis-0"] },
];

for (const { text, names } of found) {
  test(`findPods() finds ${text}`, () => {
    assert.deepEqual(
      findPods(pods, text, undefined).map(({ name }) => name),
      names,
    );
  });
}

test("findPods() looks in the namespace that was named", () => {
  assert.deepEqual(
    findPods(pods, "redis", "other").map(({ namespace }) => namespace),
    ["other"],
  );
});

test("findPod() takes one that runs", () => {
  assert.equal(findPod(pods, "reviews-v1", undefined).name, "reviews-v1-5f7d-b");
});

const failures = [
  { text: "reveiws-v1", exitCode: 1, hint: /did you mean "reviews-v1"/ },
  { text: "redis", exitCode: 2, hint: /-n shop or -n other/ },
  { text: "deplyo/reviews-v1", exitCode: 2, hint: /did you mean "deploy\/reviews-v1"/ },
  { text: "sts/reviews-v1", exitCode: 1, hint: /./ },
];

for (const { text, exitCode, hint } of failures) {
  test(`findPods() fails for ${text} with ${exitCode} and a hint`, () => {
    assert.throws(
      () => findPods(pods, text, undefined),
      (error) =>
        error instanceof CommandFailure && error.exitCode === exitCode && hint.test(error.hint ?? ""),
    );
  });
}
