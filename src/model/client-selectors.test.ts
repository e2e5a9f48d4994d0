import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { meshFixture, readNow } from "../../tests/support/mesh-fixture.ts";
import { isDeclaredSelector, matchingSelectors, selectorId } from "./client-selectors.ts";

describe("matchingSelectors()", () => {
  const web = { namespace: "shop", labels: { app: "web", version: "v1", "pod-template-hash": "5d8f" } };
  const cases: Readonly<Record<string, readonly [string, readonly string[]]>> = {
    "labels that no rule looks at": ["http: [{ match: [{ uri: { prefix: /a } }] }]", []],
    "labels that the client has": ["http: [{ match: [{ sourceLabels: { app: web } }] }]", ["app=web"]],
    "labels that the client lacks": ["http: [{ match: [{ sourceLabels: { app: db } }] }]", []],
    "several labels, whatever their order": [
      "tcp: [{ match: [{ sourceLabels: { version: v1, app: web } }] }]",
      ["app=web,version=v1"],
    ],
    "labels of which the client has one": [
      "tls: [{ match: [{ sourceLabels: { app: web, version: v2 } }] }]",
      [],
    ],
    "a rule for clients of its namespace": [
      "http: [{ match: [{ sourceNamespace: shop, sourceLabels: { app: web } }] }]",
      ["app=web"],
    ],
    "a rule for clients of another namespace": [
      "http: [{ match: [{ sourceNamespace: home, sourceLabels: { app: web } }] }]",
      [],
    ],
    "a rule that isn't exported to the client": [
      "exportTo: [home], http: [{ match: [{ sourceLabels: { app: web } }] }]",
      [],
    ],
    "no labels at all, which everybody matches": ["http: [{ match: [{ sourceLabels: {} }] }]", []],
  };
  for (const [what, [rules, wanted]] of Object.entries(cases)) {
    test(`finds ${JSON.stringify(wanted)} for ${what}`, () => {
      const { model, put } = meshFixture();
      put(virtualService(rules));
      assert.deepEqual(matchingSelectors(web, model.clientSelectors, readNow), wanted);
    });
  }

  test("finds those of DestinationRules in their own namespace", () => {
    const { model, put } = meshFixture();
    put(`
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: web, namespace: shop }
spec: { host: web, workloadSelector: { matchLabels: { app: web } } }
`);
    const found = (namespace: string) =>
      matchingSelectors({ ...web, namespace }, model.clientSelectors, readNow);
    assert.deepEqual(found("shop"), ["app=web"]);
    assert.deepEqual(found("home"), []);
  });
});

test("isDeclaredSelector() holds for clients that some rule may ask, and no others", () => {
  const { model, put } = meshFixture();
  put(virtualService("exportTo: [home], http: [{ match: [{ sourceLabels: { app: web } }] }]"));
  const { declared } = model.clientSelectors;
  const isDeclared = (id: string, namespace: string) =>
    isDeclaredSelector(id, namespace, { declared, read: readNow });
  assert.equal(isDeclared("app=web", "home"), true);
  assert.equal(isDeclared("app=web", "shop"), false);
  assert.equal(isDeclared("app=db", "home"), false);
});

test("selectorId() tells labels apart that are written alike", () => {
  const ids = [{ a: "b,c=d" }, { a: "b", c: "d" }, { "a=b": "c" }, { a: "b=c" }].map(selectorId);
  assert.equal(new Set(ids).size, ids.length);
});

function virtualService(spec: string): string {
  const route = "route: [{ destination: { host: web } }]";
  const tlsNames = "sniHosts: [web]";
  const rules = spec
    .replace("] }]", `], ${route} }]`)
    .replace("tls: [{ match: [{", `tls: [{ match: [{ ${tlsNames},`);
  return `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: web, namespace: shop }
spec: { hosts: [web], ${rules} }
`;
}
