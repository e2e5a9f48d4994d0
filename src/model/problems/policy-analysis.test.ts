import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { meshFixture } from "../../../tests/support/mesh-fixture.ts";
import { codesOf, LOGIN, pod, problemsOf, service } from "../../../tests/support/policy-problems-fixture.ts";
import { declareProblems } from "./problems.ts";

describe("kubelet's probes", () => {
  const db = (probe: object, annotations: object = {}) =>
    pod("shop", "db", {
      annotations,
      container: { ports: [{ name: "web", containerPort: 8080 }], ...probe },
    });
  const ofDb = (...rules: string[]) =>
    `{ selector: { matchLabels: { app: db } }, rules: [${rules.join(", ")}] }`;
  const FROM_SHOP = "{ from: [{ source: { namespaces: [shop] } }] }";
  const get = (port: number | string, path = "/healthz?x") => ({
    readinessProbe: { httpGet: { port, path } },
  });
  test("are shut out where they come to the application's own port", () => {
    for (const probe of [get(8080), get("web"), { livenessProbe: { grpc: { port: 9000 } } }])
      assert.deepEqual(codesOf(ofDb(FROM_SHOP), { more: [db(probe)] }), ["MLT2044 warning"]);
    const [found] = problemsOf(ofDb(FROM_SHOP), { more: [db(get("web"))] });
    assert.match(
      found?.message ?? "",
      /^No ALLOW policy lets in the readinessProbe GET \/healthz at port 8080 of pod "db"/,
    );
  });
  test("aren't by way of the agent, past the proxy, by TLS of the application, or where they only connect", () => {
    for (const probe of [
      get(15020, "/app-health/db/readyz"),
      { readinessProbe: { httpGet: { port: 8080, scheme: "HTTPS" } } },
      { readinessProbe: { tcpSocket: { port: 8080 } } },
      { readinessProbe: { exec: { command: ["true"] } } },
    ])
      assert.deepEqual(codesOf(ofDb(FROM_SHOP), { more: [db(probe)] }), []);
    const excluded = { "traffic.sidecar.istio.io/excludeInboundPorts": "8080" };
    assert.deepEqual(codesOf(ofDb(FROM_SHOP), { more: [db(get(8080), excluded)] }), []);
  });
  test("get in by a rule for their path, and by no other", () => {
    const rule = (operation: string) => `{ to: [{ operation: ${operation} }] }`;
    for (const operation of [
      "{ paths: [/healthz] }",
      '{ ports: ["8080"], methods: [GET] }',
      "{ paths: ['/{*}'] }",
    ])
      assert.deepEqual(codesOf(ofDb(FROM_SHOP, rule(operation)), { more: [db(get(8080))] }), [], operation);
    for (const operation of [
      "{ paths: [/ready] }",
      "{ methods: [POST] }",
      '{ notPorts: ["8080"] }',
      "{ notPaths: ['/health*'] }",
    ])
      assert.deepEqual(
        codesOf(ofDb(FROM_SHOP, rule(operation)), { more: [db(get(8080))] }),
        ["MLT2044 warning"],
        operation,
      );
  });
  test("of every namespace are shut out by a policy of the root namespace", () => {
    const [found] = problemsOf(ofDb(FROM_SHOP), { namespace: "istio-system", more: [db(get(8080))] });
    assert.match(found?.message ?? "", /of pod "shop\/db"/);
  });
});

describe("a rule", () => {
  const deny = (rule: string) => `{ action: DENY, rules: [${rule}] }`;
  const source = (fields: string) => deny(`{ from: [{ source: { ${fields} } }] }`);
  const operation = (fields: string) => deny(`{ to: [{ operation: { ports: ["80"], ${fields} } }] }`);
  for (const policy of [
    source("namespaces: [shop], notNamespaces: [shop, infra]"),
    source("principals: ['cluster.local/ns/shop/*'], notPrincipals: ['cluster.local/*']"),
    source("ipBlocks: [10.0.0.0/8], notIpBlocks: [10.0.0.0/8]"),
    operation("paths: [/a/b, '/a/*'], notPaths: ['/a*']"),
    operation("methods: [GET], notMethods: ['*']"),
    operation("hosts: ['*.example.com'], notHosts: ['*.com']"),
    deny('{ when: [{ key: "destination.port", values: ["80"], notValues: ["80"] }] }'),
  ]) {
    test(`never matches where all is excluded: ${policy}`, () =>
      assert.deepEqual(codesOf(policy), ["MLT2046 warning"]));
  }
  for (const policy of [
    source("namespaces: [shop, infra], notNamespaces: [shop]"),
    source("notNamespaces: [shop]"),
    operation("paths: ['/a*'], notPaths: [/a, '/a/*']"),
    operation("paths: ['/{*}/b'], notPaths: ['/a*']"),
    operation("hosts: ['*'], notHosts: ['*.com', 'a*']"),
  ]) {
    test(`matches what isn't excluded: ${policy}`, () => assert.deepEqual(codesOf(policy), []));
  }
  const byToken = [
    source('requestPrincipals: ["*"]'),
    deny(
      '{ when: [{ key: "request.auth.claims[groups]", values: [a] }], to: [{ operation: { ports: ["80"] } }] }',
    ),
  ];
  test("that wants a token never matches where none is checked", () => {
    for (const policy of byToken) {
      assert.deepEqual(codesOf(policy), ["MLT2046 warning"]);
      assert.deepEqual(codesOf(policy, { more: [LOGIN] }), []);
      assert.deepEqual(codesOf(policy, { namespace: "istio-system" }), ["MLT2046 warning"]);
      const elsewhere = LOGIN.replace("namespace: shop", "namespace: infra");
      assert.deepEqual(codesOf(policy, { more: [elsewhere] }), ["MLT2046 warning"]);
    }
  });
  test("that excludes tokens, or can do without one, matches all the same", () => {
    assert.deepEqual(codesOf(source('notRequestPrincipals: ["*"]')), []);
    const either = "{ from: [{ source: { requestPrincipals: ['*'] } }, { source: { namespaces: [shop] } }] }";
    assert.deepEqual(codesOf(deny(either)), []);
  });
});

describe("a target", () => {
  const target = (group: string, kind: string, name = "edge") =>
    `{ targetRefs: [{ group: ${group}, kind: ${kind}, name: ${name} }], rules: [{}] }`;
  const labels = { "gateway.networking.k8s.io/gateway-name": "edge" };
  const gateway = pod("shop", "edge-istio", { labels, args: ["proxy", "router"] });
  test("of a Gateway that has pods is one", () =>
    assert.deepEqual(codesOf(target("gateway.networking.k8s.io", "Gateway"), { more: [gateway] }), []));
  test("that is nowhere, or elsewhere, is told", () => {
    const policy = target("gateway.networking.k8s.io", "Gateway");
    assert.deepEqual(codesOf(policy), ["MLT2047 warning"]);
    assert.deepEqual(codesOf(policy, { more: [gateway.replace('"shop"', '"infra"')] }), ["MLT2047 warning"]);
  });
  test("that has no proxy of its own is told", () =>
    assert.deepEqual(codesOf(target("core", "Service", "web")), ["MLT2047 warning"]));
});

test("pods that no policy is for are told once, where others of their namespace have one", () => {
  const ofWeb = "{ selector: { matchLabels: { app: web } }, rules: [{}] }";
  const db = [service("db", "[{ name: http, port: 80 }]"), pod("shop", "db"), pod("infra", "other")];
  const unguarded = (spec: string, more = db) =>
    problemsOf(spec, { more }).filter(({ code }) => code === "MLT2048");
  const [found, ...others] = unguarded(ofWeb);
  assert.deepEqual([found?.severity, others], ["info", []]);
  assert.match(found?.message ?? "", /is for "db" of namespace "shop"/);
  assert.deepEqual(unguarded("{ rules: [{}] }"), []);
  const earlier = `apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: { name: a, namespace: shop }\nspec: ${ofWeb}\n`;
  assert.deepEqual(unguarded(ofWeb, [...db, earlier]), []);
});

test("a WorkloadEntry that has a pod's address is told, unless it is of another network", () => {
  const { graph, sources, model, put } = meshFixture();
  const problems = declareProblems(graph, sources, model);
  const entry = (name: string, spec: string) =>
    `apiVersion: networking.istio.io/v1\nkind: WorkloadEntry\nmetadata: { name: ${name}, namespace: other }\nspec: ${spec}\n`;
  put(
    [
      "apiVersion: meltemi.dev/v1\nkind: MeshConfig\nmetadata: { name: mesh }\n",
      pod("shop", "web"),
      entry("thief", "{ address: 10.0.0.1 }"),
      entry("machine", "{ address: 10.0.0.2 }"),
      entry("remote", "{ address: 10.0.0.1, network: west }"),
    ].join("\n---\n"),
  );
  const found = [...problems.entries()].flatMap(([, each]) => each);
  assert.deepEqual(
    found.map(({ code, object, path }) => [code, object, path]),
    [["MLT2045", "WorkloadEntry/other/thief", "spec.address"]],
  );
  assert.match(found[0]?.message ?? "", /^10\.0\.0\.1 is the address of pod "shop\/web"/);
});
