import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { meshFixture } from "../../../tests/support/mesh-fixture.ts";
import type { Problem } from "../../core/problem.ts";
import { declareProblems } from "./problems.ts";

const DAY_1 = "2026-01-01T00:00:00Z";
const REVIEWS = service("reviews", "ports: [{ name: http, port: 9080 }]");

describe("declareProblems(), where exportTo and namespaces decide,", () => {
  test("tells that a host isn't exported to the rule's namespace", () => {
    const hidden = serviceEntry(
      "private",
      "other",
      "hosts: [a.com], exportTo: ['.'], ports: [{ number: 80, name: http }]",
    );
    const found = problemsOf(hidden, virtualService("a", "b.com", "{ destination: { host: a.com } }"));
    assert.deepEqual(sentences(found), [
      'MLT2001 Cannot route to "a.com": it isn\'t exported to namespace "shop"',
    ]);
  });

  test("tells why a subset that some rule defines isn't there for the clients", () => {
    const route = "{ destination: { host: reviews.shop.svc.cluster.local, subset: v1 } }";
    const of = (namespace: string, more = "") =>
      destinationRule("rule", `host: reviews.shop.svc.cluster.local, subsets: [{ name: v1 }]${more}`).replace(
        "namespace: shop",
        `namespace: ${namespace}`,
      );
    const routes = virtualService("a", "a.com", route, { namespace: "apps" });
    const where = 'MLT2002 Cannot route to subset "v1" of "reviews.shop": DestinationRule';
    assert.deepEqual(problemsOf(REVIEWS, routes, of("apps")), []);
    assert.deepEqual(problemsOf(REVIEWS, routes, of("shop")), []);
    assert.deepEqual(sentences(problemsOf(REVIEWS, routes, of("third"))), [
      `${where} "third/rule" defines it, but holds for clients of its own namespace alone, not of "apps"`,
    ]);
    assert.deepEqual(sentences(problemsOf(REVIEWS, routes, of("shop", ", exportTo: ['.']"))), [
      `${where} "shop/rule" defines it, but isn't exported to namespace "apps"`,
    ]);
    const other = of("apps").replace("name: v1", "name: v2").replace("name: rule", "name: other");
    assert.deepEqual(sentences(problemsOf(REVIEWS, routes, of("shop"), other)), [
      `${where} "shop/rule" defines it, but clients of namespace "apps" follow another rule for the host`,
    ]);
  });

  test("looks at destinations as those namespaces see them that follow the rules", () => {
    const hidden = serviceEntry(
      "private",
      "other",
      "hosts: [a.com], exportTo: [apps], ports: [{ number: 80, name: http }]",
    );
    const route = "{ destination: { host: a.com } }";
    const exported = (to: string) => virtualService("a", "b.com", route, { spec: `exportTo: [${to}]` });
    assert.deepEqual(problemsOf(hidden, exported("apps")), []);
    assert.deepEqual(sentences(problemsOf(hidden, exported("elsewhere"))), [
      'MLT2001 Cannot route to "a.com": it isn\'t exported to namespace "elsewhere"',
    ]);
  });

  test("warns of a DestinationRule that reaches no client of its host", () => {
    const hidden = serviceEntry(
      "private",
      "other",
      "hosts: [a.com], exportTo: ['.'], ports: [{ number: 80, name: http }]",
    );
    const rule = destinationRule("r", "host: a.com");
    const message = 'MLT2009 "a.com" is reached by no client that the rule is for, so the rule has no effect';
    assert.deepEqual(sentences(problemsOf(hidden, rule)), [message]);
    const own = rule.replace("namespace: shop", "namespace: other");
    assert.deepEqual(problemsOf(hidden, own), []);
    const elsewhere = own.replace("host: a.com", "host: a.com, exportTo: [shop]");
    assert.deepEqual(sentences(problemsOf(hidden, elsewhere)), [message]);
  });

  test("warns of a DestinationRule for a part of a wildcard, which holds as a whole", () => {
    const wild = serviceEntry(
      "wild",
      "shop",
      "resolution: NONE, hosts: ['*.a.com'], ports: [{ number: 80, name: http }]",
    );
    const [found] = problemsOf(wild, destinationRule("r", "host: x.a.com"));
    assert.equal(found?.code, "MLT2009");
    assert.match(found.hint ?? "", /^it is a part of "\*\.a\.com"/);
    assert.deepEqual(problemsOf(wild, destinationRule("r", "host: '*.a.com'")), []);
  });
});

function problemsOf(...documents: readonly string[]): readonly Problem[] {
  const mesh = meshFixture();
  const table = declareProblems(mesh.graph, mesh.sources, mesh.model);
  mesh.put(documents.join("\n---\n"));
  assert.deepEqual(mesh.graph.failures(), []);
  return [...table.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, problems]) => problems);
}

function sentences(problems: readonly Problem[]): readonly string[] {
  return problems.map(({ code, message }) => `${code} ${message}`);
}

function service(name: string, spec: string, createdAt = DAY_1): string {
  return `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: shop, creationTimestamp: "${createdAt}" }
spec: { clusterIP: 10.96.0.1, ${spec} }
`;
}

function virtualService(
  name: string,
  host: string,
  route: string,
  { spec = "", createdAt = DAY_1, namespace = "shop" }: More = {},
) {
  return `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${name}, namespace: ${namespace}, creationTimestamp: "${createdAt}" }
spec: { hosts: [${host}], http: [{ route: [${route}] }], ${spec} }
`;
}

function destinationRule(name: string, spec: string, createdAt = DAY_1): string {
  return `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: ${name}, namespace: shop, creationTimestamp: "${createdAt}" }
spec: { ${spec} }
`;
}

function serviceEntry(name: string, namespace: string, spec: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: ${name}, namespace: ${namespace} }
spec: { ${spec.includes("resolution") ? "" : "resolution: DNS, "}${spec} }
`;
}

interface More {
  readonly namespace?: string;
  readonly spec?: string;
  readonly createdAt?: string;
}
