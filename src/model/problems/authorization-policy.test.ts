import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { meshFixture } from "../../../tests/support/mesh-fixture.ts";
import { declareProblems } from "./problems.ts";

const MESH = `
apiVersion: meltemi.dev/v1
kind: MeshConfig
metadata: { name: mesh }
spec:
  trustDomainAliases: [old.domain]
  extensionProviders:
    - { name: asked, envoyExtAuthzGrpc: { service: asked.shop.svc.cluster.local, port: 9000 } }
    - { name: by-http, envoyExtAuthzHttp: { service: asked.shop.svc.cluster.local, port: 8000 } }
    - { name: traced, zipkin: { service: zipkin.shop.svc.cluster.local, port: 9411 } }
---
apiVersion: v1
kind: Service
metadata: { name: db, namespace: shop }
spec:
  clusterIP: 10.96.0.1
  selector: { app: db }
  ports: [{ name: tcp, port: 7000, targetPort: 7001 }, { name: http, port: 80 }]
---
apiVersion: v1
kind: Pod
metadata: { name: db-1, namespace: shop, labels: { app: db } }
spec: { serviceAccountName: db, containers: [{ name: db, image: db }] }
status: { podIP: 10.244.0.2, phase: Running }
`;

function problemsOf(spec: string, namespace = "shop"): readonly string[] {
  const mesh = meshFixture();
  const problems = declareProblems(mesh.graph, mesh.sources, mesh.model);
  mesh.put(`${MESH}---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: policy, namespace: ${namespace} }
spec: ${spec}
`);
  return [...problems.entries()].flatMap(([, found]) =>
    found.map(({ code, path, message }) => `${code} ${path}: ${message}`),
  );
}

const admin = "to: [{ operation: { paths: [/admin] } }]";

describe("AuthorizationPolicies", () => {
  test("ask a provider of authorization that the mesh has", () => {
    const custom = (name: string) =>
      problemsOf(`{ action: CUSTOM, provider: { name: ${name} }, rules: [{}] }`);
    assert.deepEqual(custom("asked"), []);
    assert.deepEqual(custom("nobody"), [
      'MLT2026 spec.provider.name: Nobody can be asked: MeshConfig.extensionProviders has no "nobody", so every request that a rule matches is refused',
    ]);
    assert.deepEqual(custom("traced"), [
      'MLT2026 spec.provider.name: Nobody can be asked: MeshConfig.extensionProviders has another use for "traced", so every request that a rule matches is refused',
    ]);
  });

  test("say which connections pass a provider that is asked by HTTP", () => {
    const custom = (rule: string) =>
      problemsOf(`{ action: CUSTOM, provider: { name: by-http }, rules: [${rule}] }`);
    assert.deepEqual(custom("{}"), [
      'MLT2033 spec.rules[0]: Port 7001 of db.shop.svc.cluster.local is TCP, and "by-http" is asked by HTTP, so connections to it pass without being asked about',
    ]);
    assert.deepEqual(custom('{ to: [{ operation: { ports: ["80"] } }] }'), []);
  });

  test("name ports where they ask for what only HTTP has", () => {
    const port =
      "MLT2027 spec.rules[0].to[0].operation.paths: Port 7001 of db.shop.svc.cluster.local is TCP, of which this can't be known, so the rule";
    assert.deepEqual(problemsOf(`{ action: DENY, rules: [{ ${admin} }] }`), [
      `${port} refuses every connection to it that matches the rest`,
    ]);
    assert.deepEqual(problemsOf(`{ selector: { matchLabels: { app: db } }, rules: [{ ${admin} }] }`), [
      `${port} lets no connection to it in`,
    ]);
    for (const fine of [
      `{ action: DENY, rules: [{ to: [{ operation: { paths: [/admin], ports: ["80"] } }] }] }`,
      `{ action: DENY, rules: [{ to: [{ operation: { paths: [/admin], notPorts: ["7001"] } }] }] }`,
      `{ action: DENY, rules: [{ to: [{ operation: { ports: ["7001"] } }] }] }`,
    ])
      assert.deepEqual(problemsOf(fine), [], fine);
    assert.deepEqual(problemsOf(`{ action: DENY, rules: [{ ${admin} }] }`, "other"), []);
  });

  test("name callers that exist", () => {
    const from = (source: string) => problemsOf(`{ rules: [{ from: [{ source: { ${source} } }] }] }`);
    const nobody = (field: string, name: string, namespace: string) =>
      `MLT2028 spec.rules[0].from[0].source.${field}[1]: No pod runs as ServiceAccount "${name}" in namespace "${namespace}", so this names nobody`;
    assert.deepEqual(from("principals: [cluster.local/ns/shop/sa/db, cluster.local/ns/shop/sa/bd]"), [
      nobody("principals", "bd", "shop"),
    ]);
    assert.deepEqual(from("principals: ['*', old.domain/ns/other/sa/db]"), [
      nobody("principals", "db", "other"),
    ]);
    assert.deepEqual(from("serviceAccounts: [db, other/db]"), [nobody("serviceAccounts", "db", "other")]);
    assert.deepEqual(from("principals: [elsewhere/ns/a/sa/b, '*/sa/x', cluster.local/ns/shop/sa/d*]"), []);
  });

  test("select a workload of their namespace, or of any where they are the mesh's", () => {
    const spec = "{ selector: { matchLabels: { app: db } }, action: AUDIT, rules: [{}] }";
    assert.deepEqual(problemsOf(spec), []);
    assert.deepEqual(problemsOf(spec, "istio-system"), []);
    assert.deepEqual(problemsOf(spec, "other"), [
      'MLT2029 spec.selector.matchLabels: No pod in namespace "other" has the labels "app=db", so the policy is for none',
    ]);
  });

  test("say ranges of IPv6 that connections can be told by", () => {
    const from = (range: string) =>
      problemsOf(`{ rules: [{ from: [{ source: { notIpBlocks: ["${range}"] } }] }] }`);
    for (const fine of ["10.0.0.0/9", "fd00:1::/32", "fd00::1"]) assert.deepEqual(from(fine), [], fine);
    assert.deepEqual(from("fd00::/64"), [
      "MLT2030 spec.rules[0].from[0].source.notIpBlocks[0]: On ports that aren't HTTP it can't be told who is in fd00::/64, so nobody is let in by it, and nobody past it",
    ]);
  });
});
