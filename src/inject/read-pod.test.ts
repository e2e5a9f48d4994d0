import assert from "node:assert/strict";
import { test } from "node:test";
import { readPod } from "./read-pod.ts";

const container = { name: "web", image: "web" };

const unfit: readonly { readonly pod: object; readonly path: string; readonly says: RegExp }[] = [
  { pod: { spec: {} }, path: "spec.containers", says: /required/ },
  { pod: { spec: { containers: "many" } }, path: "spec.containers", says: /"many", wanted a list/ },
  { pod: { spec: { containers: [null] } }, path: "spec.containers[0]", says: /nothing, wanted an object/ },
  { pod: { spec: { containers: [{ image: "web" }] } }, path: "spec.containers[0].name", says: /required/ },
  { pod: withContainer({ ports: "80" }), path: "spec.containers[0].ports", says: /"80", wanted a list/ },
  {
    pod: withContainer({ ports: [{ containerPort: "80" }] }),
    path: "spec.containers[0].ports[0].containerPort",
    says: /"80", wanted a whole number/,
  },
  { pod: withContainer({ env: { A: "1" } }), path: "spec.containers[0].env", says: /wanted a list/ },
  {
    pod: withContainer({ env: [{ name: "A", value: 1 }] }),
    path: "spec.containers[0].env[0].value",
    says: /number 1, wanted a string/,
  },
  {
    pod: withContainer({ livenessProbe: { httpGet: [] } }),
    path: "spec.containers[0].livenessProbe.httpGet",
    says: /wanted an object/,
  },
  {
    pod: { spec: { containers: [container], volumes: [{ emptyDir: {} }] } },
    path: "spec.volumes[0].name",
    says: /required/,
  },
  {
    pod: { spec: { containers: [container], securityContext: { fsGroup: "1" } } },
    path: "spec.securityContext.fsGroup",
    says: /wanted a whole number/,
  },
  { pod: withMetadata({ labels: ["a"] }), path: "metadata.labels", says: /a list, wanted an object/ },
  {
    pod: withMetadata({ annotations: { a: true } }),
    path: "metadata.annotations.a",
    says: /wanted a string/,
  },
  { pod: withMetadata("a"), path: "metadata", says: /"a", wanted an object/ },
];

for (const { pod, path, says } of unfit) {
  test(`readPod() refuses what isn't of its type at ${path}: ${JSON.stringify(pod).slice(0, 60)}`, () => {
    const read = readPod(pod);
    assert.ok(read.kind === "unfit");
    assert.deepEqual(
      read.problems.map((found) => found.path),
      [path],
    );
    assert.match(read.problems[0]?.message ?? "", says);
  });
}

test("readPod() says where the pod is in its object", () => {
  const read = readPod({ spec: { containers: 1 } }, "spec.template");
  assert.ok(read.kind === "unfit");
  assert.equal(read.problems[0]?.path, "spec.template.spec.containers");
});

test("readPod() keeps what only a newer Kubernetes knows, and looks past many such fields", () => {
  const later = Object.fromEntries(
    Array.from({ length: 500 }, (_, index) => [`later${index}`, { a: [index] }]),
  );
  const pod = {
    spec: {
      ...later,
      restartPolicy: "Sometimes",
      containers: [{ ...container, ...later, imagePullPolicy: "Rarely" }],
      volumes: [{ name: "a", moonlight: { phase: 1 } }],
    },
  };
  assert.deepEqual(readPod(pod), { kind: "read", pod: { metadata: {}, ...pod } });
  const wrong = { spec: { ...pod.spec, containers: [{ ...container, ...later, ports: "80" }] } };
  assert.equal(readPod(wrong).kind, "unfit");
});

test("readPod() takes fields with nothing in them for absent", () => {
  const pod = {
    metadata: { creationTimestamp: null, labels: { app: null } },
    spec: { containers: [{ ...container, env: null, ports: null }], initContainers: null, volumes: null },
  };
  assert.deepEqual(readPod(pod), {
    kind: "read",
    pod: { metadata: { labels: { app: "" } }, spec: { containers: [container] } },
  });
});

function withContainer(fields: object) {
  return { spec: { containers: [{ ...container, ...fields }] } };
}

function withMetadata(metadata: unknown) {
  return { metadata, spec: { containers: [container] } };
}
