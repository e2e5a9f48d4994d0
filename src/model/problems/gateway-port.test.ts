import assert from "node:assert/strict";
import { test } from "node:test";
import { meshFixture } from "../../../tests/support/mesh-fixture.ts";
import { declareProblems } from "./problems.ts";

test("declareProblems() names the server that keeps another Gateway's from its port", () => {
  const mesh = meshFixture();
  const problems = declareProblems(mesh.graph, mesh.sources, mesh.model);
  mesh.put(
    [
      `
apiVersion: v1
kind: Pod
metadata: { name: edge-1, namespace: infra, labels: { app: edge } }
spec: { containers: [{ name: app, image: auto }] }
`,
      gateway("aaa", 2, "{ number: 7000, name: http, protocol: HTTP }"),
      gateway("old", 1, "{ number: 7000, name: tcp, protocol: TCP }"),
      gateway("free", 3, "{ number: 7001, name: tcp, protocol: TCP }"),
    ].join("---"),
  );
  const found = () =>
    [...problems.entries()].flatMap(([, ofObject]) =>
      ofObject.map(({ code, object, path, message }) => `${code} ${object} ${path}: ${message}`),
    );
  assert.deepEqual(found(), [
    "MLT2021 Gateway/shop/aaa spec.servers[0].port: Port 7000 (HTTP) isn't opened: Gateway shop/old spec.servers[0] (TCP) comes first and shares it with no other server",
  ]);
  mesh.remove({ kind: "Gateway", namespace: "shop", name: "old" });
  assert.deepEqual(found(), []);
});

function gateway(name: string, day: number, port: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: ${name}, namespace: shop, creationTimestamp: "2026-01-0${day}T00:00:00Z" }
spec: { selector: { app: edge }, servers: [{ port: ${port}, hosts: ["*"] }] }
`;
}
