import assert from "node:assert/strict";
import { test } from "node:test";
import { problem } from "../../core/problem.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import { declaredProblem, workloadOf } from "./declared-problem.ts";

const pod: Pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: "web-abc-def",
    namespace: "shop",
    ownerReferences: [
      { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web-abc", uid: "", controller: true },
    ],
  },
  spec: { containers: [{ name: "istio-proxy" }, { name: "app" }] },
};

const source = {
  object: { kind: "Deployment", spec: { template: { spec: { containers: [{ name: "app" }] } } } },
};

test("declaredProblem() names the workload and the field of its template, past what injection put in", () => {
  const found = problem("MLT3101", { path: "spec.containers[1].image", message: "x" });
  const declared = declaredProblem(found, pod, (key) => (key === "Deployment/shop/web" ? source : undefined));
  assert.equal(declared.object, "Deployment/shop/web");
  assert.equal(declared.path, "spec.template.spec.containers[0].image");
});

test("declaredProblem() leaves a problem as it is where nothing was declared", () => {
  const found = problem("MLT3101", { path: "spec.containers[1].image", message: "x" });
  assert.equal(
    declaredProblem(found, pod, () => undefined),
    found,
  );
});

test("workloadOf() names what the user wrote", () => {
  assert.deepEqual(workloadOf(pod), { kind: "Deployment", name: "web" });
  const bare = { ...pod, metadata: { name: "once", namespace: "shop" } };
  assert.deepEqual(workloadOf(bare), { kind: "Pod", name: "once" });
});
