import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { codesOf, LOGIN, pod, problemsOf, service } from "../../../tests/support/policy-problems-fixture.ts";

const allow = (source: string) => `{ rules: [{ from: [{ source: ${source} }] }] }`;
const paths = (action: string, field: string, path: string) =>
  `{ action: ${action}, rules: [{ to: [{ operation: { ${field}: ["${path}"], ports: ["80"] } }], from: [{ source: { notNamespaces: [infra] } }] }, {}] }`;

describe("an ALLOW", () => {
  for (const source of [
    "{ principals: [cluster.local/ns/shop/sa/web] }",
    "{ namespaces: [shop] }",
    "{ notNamespaces: [infra] }",
    "{ serviceAccounts: [web] }",
  ]) {
    test(`of ${source} shuts out the gateway whose routes lead to its workloads`, () =>
      assert.deepEqual(codesOf(allow(source)), ["MLT2041 warning"]));
  }
  test("of a condition shuts it out too, and so does one of no rule", () => {
    const condition = (key: string, value: string) =>
      `{ rules: [{ when: [{ key: ${key}, values: [${value}] }] }] }`;
    assert.deepEqual(codesOf(condition("source.namespace", "shop")), ["MLT2041 warning"]);
    assert.deepEqual(codesOf("{}"), ["MLT2041 warning"]);
    const [found] = problemsOf(condition("source.principal", "cluster.local/ns/shop/sa/web"));
    assert.match(
      found?.message ?? "",
      /Gateway "infra\/edge", whose pods run as "infra\/edge": what VirtualService "shop\/web" routes to web\.shop is refused/,
    );
  });
  for (const source of [
    "{ principals: [cluster.local/ns/infra/sa/edge] }",
    "{ principals: ['*/sa/edge'] }",
    "{ namespaces: [infra] }",
    "{ serviceAccounts: [infra/edge] }",
    "{ requestPrincipals: ['*'] }",
    "{ ipBlocks: [10.0.0.0/8] }",
  ]) {
    test(`of ${source} may let it in`, () => assert.deepEqual(codesOf(allow(source), { more: [LOGIN] }), []));
  }
  test("shuts out no gateway where another policy lets it in, and where nothing is routed to its workloads", () => {
    const other = `apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: { name: q, namespace: shop }\nspec: ${allow("{ namespaces: [infra] }")}\n`;
    assert.deepEqual(codesOf(allow("{ namespaces: [shop] }"), { more: [other] }), []);
    const db = [service("db", "[{ name: http, port: 80 }]"), pod("shop", "db")];
    const ofDb = `{ selector: { matchLabels: { app: db } }, rules: [{ from: [{ source: { namespaces: [shop] } }] }] }`;
    assert.deepEqual(codesOf(ofDb, { more: db }), []);
    assert.deepEqual(
      codesOf("{ action: DENY, rules: [{ from: [{ source: { namespaces: [infra] } }] }] }"),
      [],
    );
  });
});

describe("Prometheus", () => {
  const scraped = (port: string, more: object = {}) =>
    pod("shop", "db", {
      annotations: { "prometheus.io/scrape": "true", "prometheus.io/port": port, ...more },
    });
  const ofDb = (rule: string) => `{ selector: { matchLabels: { app: db } }, rules: [${rule}] }`;
  const fromShop = "{ from: [{ source: { namespaces: [shop] } }] }";
  test("is shut out of an application's own port by an ALLOW that names callers", () => {
    assert.deepEqual(codesOf(ofDb(fromShop), { more: [scraped("9090")] }), ["MLT2042 warning"]);
    const other = '{ to: [{ operation: { ports: ["80"] } }] }';
    assert.deepEqual(codesOf(ofDb(other), { more: [scraped("9090")] }), ["MLT2042 warning"]);
  });
  test("isn't where the port is the agent's or not captured, or a rule lets anybody or Prometheus in", () => {
    assert.deepEqual(codesOf(ofDb(fromShop), { more: [scraped("15020")] }), []);
    const excluded = { "traffic.sidecar.istio.io/excludeInboundPorts": "8080, 9090" };
    assert.deepEqual(codesOf(ofDb(fromShop), { more: [scraped("9090", excluded)] }), []);
    const forPort = `${fromShop}, { to: [{ operation: { ports: ["9090"] } }] }`;
    assert.deepEqual(codesOf(ofDb(forPort), { more: [scraped("9090")] }), []);
    const fromMonitoring = "{ from: [{ source: { namespaces: [monitoring] } }] }";
    const prometheus = pod("monitoring", "prometheus");
    assert.deepEqual(codesOf(ofDb(fromMonitoring), { more: [scraped("9090"), prometheus] }), []);
  });
});

describe("a path", () => {
  const mesh = (normalization: string) => ({
    mesh: `{ pathNormalization: { normalization: ${normalization} } }`,
  });
  for (const [normalization, action, field, path] of [
    ["BASE", "DENY", "paths", "/admin//x"],
    ["BASE", "DENY", "paths", "/admin%2Fx"],
    ["BASE", "ALLOW", "notPaths", "/admin//x"],
    ["BASE", "DENY", "paths", "/a/../admin"],
    ["MERGE_SLASHES", "DENY", "paths", "/admin//x"],
    ["MERGE_SLASHES", "ALLOW", "paths", "//x"],
    ["MERGE_SLASHES", "DENY", "paths", "/admin%2fx"],
    ["DECODE_AND_MERGE_SLASHES", "DENY", "paths", "/admin%5cx"],
    ["NONE", "DENY", "paths", "/admin"],
    ["NONE", "ALLOW", "notPaths", "/admin*"],
  ] as const) {
    test(`"${path}" as ${action} ${field} under ${normalization} is gone around, or matches none`, () =>
      assert.deepEqual(codesOf(paths(action, field, path), mesh(normalization)), ["MLT2039 warning"]));
  }
  for (const [normalization, action, field, path] of [
    ["BASE", "DENY", "paths", "/admin/x"],
    ["BASE", "ALLOW", "paths", "/admin//x"],
    ["DECODE_AND_MERGE_SLASHES", "DENY", "paths", "/a.b/*"],
    ["NONE", "ALLOW", "paths", "/admin"],
    ["NONE", "DENY", "paths", "/*"],
  ] as const) {
    test(`"${path}" as ${action} ${field} under ${normalization} is as it is written`, () =>
      assert.deepEqual(codesOf(paths(action, field, path), mesh(normalization)), []));
  }
});

describe("a namespace", () => {
  const deny = (names: string) =>
    `{ action: DENY, rules: [{ from: [{ source: { namespaces: ${names} } }] }] }`;
  test("that doesn't exist is told, with what may have been meant", () => {
    assert.deepEqual(codesOf(deny("[elsewhere]")), ["MLT2040 info"]);
    const [found] = problemsOf(deny("[shop, monitorin]"));
    assert.deepEqual(
      [found?.severity, found?.path, found?.hint],
      ["warning", "spec.rules[0].from[0].source.namespaces[1]", 'did you mean "monitoring"?'],
    );
  });
  test("that exists, has pods, or is a pattern is not", () => {
    assert.deepEqual(codesOf(deny("[shop, 'mon*', bare]"), { more: [pod("bare", "x")] }), []);
  });
});

describe("a provider's service", () => {
  const custom = "{ action: CUSTOM, provider: { name: asked }, rules: [{}] }";
  const mesh = (failOpen: boolean) =>
    `{ extensionProviders: [{ name: asked, envoyExtAuthzGrpc: { service: asked.infra.svc.cluster.local, port: 9000, failOpen: ${failOpen} } }] }`;
  const asked = (exportTo: string) =>
    service("asked", "[{ name: grpc, port: 9000 }]", {
      namespace: "infra",
      annotations: `{ networking.istio.io/exportTo: "${exportTo}" }`,
    });
  test("that isn't exported to the workloads can't be asked, which failOpen makes open", () => {
    assert.deepEqual(codesOf(custom, { mesh: mesh(true), more: [asked(".")] }), ["MLT2038 error"]);
    assert.deepEqual(codesOf(custom, { mesh: mesh(false), more: [asked(".")] }), ["MLT2038 warning"]);
  });
  test("that is exported to them can", () => {
    for (const exportTo of ["*", "shop"])
      assert.deepEqual(codesOf(custom, { mesh: mesh(true), more: [asked(exportTo)] }), []);
  });
});

describe("a path of a namespace with a gateway's HTTPS port", () => {
  const deny = `{ action: DENY, rules: [{ to: [{ operation: { paths: [/admin] } }] }] }`;
  const https = "[{ name: https, port: 443 }]";
  test("is known there, since TLS ends at the gateway, and not at a workload", () => {
    const gateway = pod("shop", "own-edge", { args: ["proxy", "router"] });
    assert.deepEqual(codesOf(deny, { more: [service("own-edge", https), gateway] }), []);
    const workload = pod("shop", "tls");
    assert.deepEqual(codesOf(deny, { more: [service("tls", https), workload] }), ["MLT2027 warning"]);
  });
});

describe("a policy of the root namespace", () => {
  const root = { namespace: "istio-system" };
  test("shuts out the gateways and Prometheus of every namespace", () => {
    assert.deepEqual(codesOf(allow("{ namespaces: [shop] }"), root), ["MLT2041 warning"]);
    assert.deepEqual(codesOf(allow("{ namespaces: [infra] }"), root), []);
    const annotations = { "prometheus.io/scrape": "true", "prometheus.io/port": "9090" };
    const more = [pod("shop", "db", { annotations })];
    const [found, ...others] = problemsOf(allow("{ namespaces: [infra] }"), { ...root, more });
    assert.deepEqual([found?.code, others], ["MLT2042", []]);
    assert.match(found?.message ?? "", /of pod "shop\/db"/);
  });
  test("chooses by label in every namespace", () => {
    const of = (app: string) => `{ selector: { matchLabels: { app: ${app} } } }`;
    assert.deepEqual(codesOf(of("web"), root), ["MLT2041 warning"]);
    assert.deepEqual(codesOf(of("edge"), root), []);
  });
  test("asks of HTTP what ports of other namespaces don't have", () => {
    const deny = "{ action: DENY, rules: [{ to: [{ operation: { paths: [/admin] } }] }] }";
    const more = [service("db", "[{ name: tcp, port: 5432 }]")];
    const [found] = problemsOf(deny, { ...root, more });
    assert.equal(found?.code, "MLT2027");
    assert.match(found?.message ?? "", /Port 5432 of db\.shop/);
    assert.deepEqual(codesOf(deny, root), []);
  });
});
