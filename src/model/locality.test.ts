import assert from "node:assert/strict";
import { test } from "node:test";
import { meshFixture } from "../../tests/support/mesh-fixture.ts";

function pod(labels: string): string {
  return `
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {${labels}}}
spec: {nodeName: one, containers: [{name: web, image: web}]}
---
`;
}

function node(labels: string): string {
  return `
apiVersion: v1
kind: Node
metadata: {name: one, labels: {${labels}}}
---
`;
}

function localityIn(yaml: string): string | undefined {
  const mesh = meshFixture();
  mesh.put(yaml);
  return mesh.model.workloads.table.get("shop/web")?.locality;
}

const ZONED =
  "topology.kubernetes.io/region: r1, topology.kubernetes.io/zone: z1, topology.istio.io/subzone: s1";

const cases: Readonly<Record<string, readonly [pod: string, node: string, locality: string]>> = {
  "is the node's": ["", ZONED, "r1/z1/s1"],
  "is told by old labels of the node too": [
    "",
    "failure-domain.beta.kubernetes.io/region: r, failure-domain.beta.kubernetes.io/zone: z",
    "r/z",
  ],
  "keeps the places apart where one is missing": ["", "topology.kubernetes.io/zone: z1", "/z1"],
  "is the pod's own label before the node's": ["istio-locality: a.b.c", ZONED, "a/b/c"],
  "is empty where nobody tells": ["", "", ""],
};

for (const [name, [podLabels, nodeLabels, locality]] of Object.entries(cases)) {
  test(`localityOfPod() ${name}`, () => {
    assert.equal(localityIn(pod(podLabels) + node(nodeLabels)), locality);
  });
}

test("localityOfPod() follows a node whose labels change", () => {
  const mesh = meshFixture();
  mesh.put(pod("") + node(""));
  mesh.put(node(ZONED));
  assert.equal(mesh.model.workloads.table.get("shop/web")?.locality, "r1/z1/s1");
});
