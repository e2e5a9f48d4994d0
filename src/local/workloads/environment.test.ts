import assert from "node:assert/strict";
import { test } from "node:test";
import { buildTestPod, firstContainer, referencedObjects } from "../../../tests/support/pod-fixture.ts";
import type { Container } from "../../kinds/pod/container.ts";
import type { ReferencedObjects } from "./environment.ts";
import { resolveEnvironment } from "./environment.ts";

const objects = referencedObjects({
  configMap: (namespace, name) =>
    namespace === "shop" && name === "settings"
      ? { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace }, data: { COLOUR: "red" } }
      : undefined,
  secret: (namespace, name) =>
    name === "login"
      ? { apiVersion: "v1", kind: "Secret", metadata: { name, namespace }, data: { password: "czNjcmV0" } }
      : undefined,
});

function resolve(container: Partial<Container>, from: ReferencedObjects = objects) {
  const pod = buildTestPod(container);
  return resolveEnvironment(pod, firstContainer(pod), from);
}

const RESOLVED: readonly { what: string; container: Partial<Container>; want: Record<string, string> }[] = [
  { what: "a plain value", container: { env: [{ name: "A", value: "1" }] }, want: { A: "1" } },
  {
    what: "references to earlier variables",
    container: {
      env: [
        { name: "A", value: "1" },
        { name: "B", value: "$(A)/$(NONE)/$$(A)" },
      ],
    },
    want: { A: "1", B: "1/$(NONE)/$(A)" },
  },
  {
    what: "fields of the pod",
    container: {
      env: [
        { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
        { name: "APP", valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
      ],
    },
    want: { IP: "10.244.0.9", APP: "reviews" },
  },
  {
    what: "limits, divided and rounded up",
    container: {
      resources: { limits: { cpu: "1500m", memory: "128Mi" } },
      env: [
        { name: "CPU", valueFrom: { resourceFieldRef: { resource: "limits.cpu" } } },
        { name: "MB", valueFrom: { resourceFieldRef: { resource: "limits.memory", divisor: "1Mi" } } },
      ],
    },
    want: { CPU: "2", MB: "128" },
  },
  {
    what: "keys of a ConfigMap and a Secret",
    container: {
      env: [
        { name: "COLOUR", valueFrom: { configMapKeyRef: { name: "settings", key: "COLOUR" } } },
        { name: "PASSWORD", valueFrom: { secretKeyRef: { name: "login", key: "password" } } },
        { name: "MAYBE", valueFrom: { secretKeyRef: { name: "none", key: "x", optional: true } } },
      ],
    },
    want: { COLOUR: "red", PASSWORD: "s3cret" },
  },
  {
    what: "envFrom with a prefix, overridden by env",
    container: {
      envFrom: [{ prefix: "SHOP_", configMapRef: { name: "settings" } }, { secretRef: { name: "login" } }],
      env: [{ name: "password", value: "other" }],
    },
    want: { SHOP_COLOUR: "red", password: "other" },
  },
];

for (const { what, container, want } of RESOLVED) {
  test(`resolveEnvironment() takes ${what}`, () => {
    assert.deepEqual(resolve(container), { kind: "resolved", value: want });
  });
}

test("resolveEnvironment() links the namespace's services", () => {
  const links = referencedObjects({
    services: () => [
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "book-db", namespace: "shop" },
        spec: { clusterIP: "10.96.0.7", ports: [{ name: "tcp", port: 6379 }] },
      },
    ],
  });
  const outcome = resolve({}, links);
  assert.deepEqual(outcome.kind === "resolved" && outcome.value, {
    BOOK_DB_SERVICE_HOST: "10.96.0.7",
    BOOK_DB_SERVICE_PORT: "6379",
    BOOK_DB_SERVICE_PORT_TCP: "6379",
  });
});

test("resolveEnvironment() names what is missing and where it is referred to", () => {
  const valueFrom = { secretKeyRef: { name: "login", key: "user" } };
  const outcome = resolve({ env: [{ name: "USER", valueFrom }] });
  assert.equal(outcome.kind, "unresolved");
  assert.equal(outcome.problem.code, "MLT3103");
  assert.equal(outcome.problem.path, "spec.containers[0].env[0].valueFrom");
  assert.match(outcome.problem.message, /key "user" in Secret "login" in namespace "shop"/);
  assert.doesNotMatch(JSON.stringify(outcome.problem), /s3cret/);
});

test("resolveEnvironment() refuses a field that pods don't have", () => {
  const outcome = resolve({ env: [{ name: "X", valueFrom: { fieldRef: { fieldPath: "spec.colour" } } }] });
  assert.equal(outcome.kind === "unresolved" && outcome.problem.code, "MLT3105");
});
