import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "../../kinds/pod/pod.ts";
import type { StatefulSet } from "../../kinds/stateful-set.ts";
import { planStatefulSet } from "./plan-stateful-set.ts";
import { isTerminating } from "./pod-condition.ts";

function statefulSet(spec: Partial<StatefulSet["spec"]> = {}, image = "a"): StatefulSet {
  const template = { spec: { containers: [{ name: "app", image }] } };
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "db", namespace: "shop" },
    spec: { replicas: 3, selector: {}, serviceName: "db-nodes", template, ...spec },
  };
}

function ready(pod: Pod): Pod {
  return { ...pod, status: { conditions: [{ type: "Ready", status: "True" }] } };
}

function leaving(pod: Pod): Pod {
  return { ...pod, metadata: { ...pod.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } };
}

function namesOf(pods: readonly Pod[]): string[] {
  return pods.map((pod) => pod.metadata.name);
}

function allOf(set: StatefulSet): Pod[] {
  return planStatefulSet(
    { ...set, spec: { ...set.spec, podManagementPolicy: "Parallel" } },
    [],
    0,
  ).create.map(ready);
}

test("planStatefulSet() creates one ordinal after the other is ready", () => {
  const [first] = planStatefulSet(statefulSet(), [], 0).create;
  assert.ok(first);
  assert.equal(first.metadata.name, "db-0");
  assert.deepEqual(planStatefulSet(statefulSet(), [first], 0).create, []);
  assert.deepEqual(namesOf(planStatefulSet(statefulSet(), [ready(first)], 0).create), ["db-1"]);
});

test("planStatefulSet() creates all at once when Parallel", () => {
  const plan = planStatefulSet(statefulSet({ podManagementPolicy: "Parallel" }), [], 0);
  assert.deepEqual(namesOf(plan.create), ["db-0", "db-1", "db-2"]);
});

test("planStatefulSet() gives pods their hostname, subdomain and claims", () => {
  const set = statefulSet({ volumeClaimTemplates: [{ metadata: { name: "data" } }] });
  const [pod] = planStatefulSet(set, [], 0).create;
  assert.equal(pod?.spec.hostname, "db-0");
  assert.equal(pod?.spec.subdomain, "db-nodes");
  assert.deepEqual(pod?.spec.volumes, [{ name: "data", persistentVolumeClaim: { claimName: "data-db-0" } }]);
});

test("planStatefulSet() updates from the highest ordinal down, one at a time", () => {
  const pods = allOf(statefulSet());
  const after = statefulSet({}, "b");
  assert.deepEqual(namesOf(planStatefulSet(after, pods, 0).remove), ["db-2"]);
  const oneLeaving = pods.map((pod) => (pod.metadata.name === "db-2" ? leaving(pod) : pod));
  assert.deepEqual(planStatefulSet(after, oneLeaving, 0).remove, []);
  const withoutOne = pods.slice(0, 2);
  const [replacement] = planStatefulSet(after, withoutOne, 0).create;
  assert.equal(replacement?.spec.containers[0]?.image, "b");
  assert.ok(replacement);
  assert.deepEqual(planStatefulSet(after, [...withoutOne, replacement], 0).remove, []);
  assert.deepEqual(namesOf(planStatefulSet(after, [...withoutOne, ready(replacement)], 0).remove), ["db-1"]);
});

test("planStatefulSet() leaves ordinals below the partition alone", () => {
  const after = statefulSet({ updateStrategy: { rollingUpdate: { partition: 3 } } }, "b");
  assert.deepEqual(planStatefulSet(after, allOf(statefulSet()), 0).remove, []);
});

test("planStatefulSet() scales down from the top, one at a time", () => {
  const pods = allOf(statefulSet());
  const smaller = statefulSet({ replicas: 1 });
  assert.deepEqual(namesOf(planStatefulSet(smaller, pods, 0).remove), ["db-2"]);
  const oneLeaving = pods.map((pod) => (pod.metadata.name === "db-2" ? leaving(pod) : pod));
  assert.ok(oneLeaving.some(isTerminating));
  assert.deepEqual(planStatefulSet(smaller, oneLeaving, 0).remove, []);
});

test("planStatefulSet() replaces a pod that a broken template made, though it never got ready", () => {
  const [broken] = planStatefulSet(statefulSet({}, "broken"), [], 0).create;
  assert.ok(broken);
  assert.deepEqual(namesOf(planStatefulSet(statefulSet({}, "mended"), [broken], 0).remove), ["db-0"]);
});
