import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubernetesObject } from "../../kinds/define-kind.ts";
import { meshReadiness } from "./mesh-readiness.ts";

function pod(name: string, isReady: boolean, more: object = {}): KubernetesObject {
  const conditions = [{ type: "Ready", status: isReady ? "True" : "False" }];
  const metadata = { name, namespace: "shop", ...more };
  return { apiVersion: "v1", kind: "Pod", metadata, status: { phase: "Running", conditions } };
}

function deployment(status: object): KubernetesObject {
  const metadata = { name: "web", namespace: "shop" };
  return { apiVersion: "apps/v1", kind: "Deployment", metadata, spec: { replicas: 2 }, status };
}

function readiness(...objects: KubernetesObject[]) {
  return meshReadiness((kind) => objects.filter((object) => object.kind === kind));
}

test("meshReadiness() waits for every replica of the newest template", () => {
  const pods = [pod("a", true), pod("b", true)];
  assert.equal(readiness(deployment({ updatedReplicas: 2, availableReplicas: 2 }), ...pods).isReady, true);
  assert.equal(readiness(deployment({ updatedReplicas: 1, availableReplicas: 2 }), ...pods).isReady, false);
  assert.equal(readiness(deployment({})).isReady, false);
});

test("meshReadiness() doesn't wait for pods that leave, nor for a job to end", () => {
  const leaving = pod("a", false, { deletionTimestamp: "2026-01-01T00:00:00Z" });
  const owner = { apiVersion: "batch/v1", kind: "Job", name: "import", uid: "", controller: true };
  const ofJob = pod("b", false, { ownerReferences: [owner] });
  assert.deepEqual(readiness(leaving, ofJob), { readyPodCount: 1, podCount: 1, isReady: true });
});

test("meshReadiness() of a mesh without workloads is ready", () => {
  assert.deepEqual(readiness(), { readyPodCount: 0, podCount: 0, isReady: true });
});
