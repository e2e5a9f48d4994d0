import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { meshFixture } from "../../tests/support/mesh-fixture.ts";
import type { Workload } from "./workloads.ts";

describe("workloads", () => {
  test("are named after the Deployment behind their ReplicaSet", () => {
    const owner =
      "ownerReferences: [{ apiVersion: apps/v1, kind: ReplicaSet, name: web-5c9, uid: a, controller: true }]";
    assert.equal(workload(`labels: { pod-template-hash: 5c9 }, ${owner}`)?.workloadName, "web");
  });

  test("are named after any other controller as it is, else after themselves", () => {
    const owner =
      "ownerReferences: [{ apiVersion: apps/v1, kind: StatefulSet, name: db, uid: a, controller: true }]";
    assert.equal(workload(owner)?.workloadName, "db");
    assert.equal(workload("labels: {}")?.workloadName, "web-1");
  });

  test("know the numbers of their named ports", () => {
    assert.deepEqual(workload("labels: {}")?.portNumbers, { http: 8080 });
  });

  test("are gone when their pod has ended", () => {
    assert.equal(workload("labels: {}", "phase: Succeeded"), undefined);
    assert.equal(workload("labels: {}", "phase: Failed"), undefined);
  });

  test("don't change with what is nobody's business", () => {
    const mesh = meshFixture();
    mesh.put(pod("labels: {}", "phase: Running, podIP: 10.244.0.2"));
    let count = 0;
    mesh.model.workloads.table.watch(() => {
      count += 1;
    });
    mesh.put(pod("labels: {}, annotations: { a: b }", "phase: Running, podIP: 10.244.0.2, message: fine"));
    assert.equal(count, 0);
  });
});

function workload(metadata: string, status = "phase: Running"): Workload | undefined {
  const mesh = meshFixture();
  mesh.put(pod(metadata, status));
  return mesh.model.workloads.table.get("shop/web-1");
}

function pod(metadata: string, status: string): string {
  return `
apiVersion: v1
kind: Pod
metadata: { name: web-1, namespace: shop, ${metadata} }
spec: { containers: [{ name: app, image: web, ports: [{ name: http, containerPort: 8080 }, { containerPort: 1 }] }] }
status: { ${status} }
`;
}
