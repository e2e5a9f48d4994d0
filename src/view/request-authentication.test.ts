import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { sidecar, type ViewFixture, viewFixture } from "../../tests/support/view-fixture.ts";

const WEB = { app: "web" };
const INLINE = '{"keys":[{"kty":"oct","k":"eA"}]}';

describe("declareRequestAuthentications()", () => {
  test("shares a row among the proxies for which the same policies hold", () => {
    const mesh = viewFixture(
      `${policy("istio-system", "all", "a")}${policy("shop", "web", "b", { labels: WEB })}`,
    );
    mesh.connect(sidecar("shop", "web-1", WEB), sidecar("shop", "web-2", WEB), sidecar("shop", "api"));
    assert.deepEqual(choices(mesh), {
      "shop/api": "sidecar istio-system/all",
      "shop/web-1": "sidecar istio-system/all shop/web",
      "shop/web-2": "sidecar istio-system/all shop/web",
    });
    assert.deepEqual(issuers(mesh), {
      "sidecar istio-system/all": ["a"],
      "sidecar istio-system/all shop/web": ["a", "b"],
    });
  });

  test("has a row without issuers where no policy holds", () => {
    const mesh = viewFixture("");
    mesh.connect(sidecar("shop", "web"));
    assert.deepEqual(issuers(mesh), { sidecar: [] });
  });

  test("tells gateways apart, whose routes may depend on claims", () => {
    const mesh = viewFixture(policy("istio-system", "all", "a"));
    mesh.connect({ ...sidecar("shop", "edge"), kind: "router" });
    const row = mesh.views.policies.RequestAuthentication.table.get("gateway istio-system/all");
    assert.equal(row?.inputs.isGateway, true);
  });

  test("takes labels of the root namespace's policies for every namespace, and a Gateway's name", () => {
    const mesh = viewFixture(
      `${policy("istio-system", "web", "a", { labels: WEB })}${policy("shop", "edge", "b", { gateway: "edge" })}`,
    );
    const gateway = { "gateway.networking.k8s.io/gateway-name": "edge" };
    mesh.connect(sidecar("shop", "web", WEB), { ...sidecar("shop", "edge", gateway), kind: "router" });
    assert.deepEqual(choices(mesh), {
      "shop/edge": "gateway shop/edge",
      "shop/web": "sidecar istio-system/web",
    });
  });

  test("gives a rule the keys that were found at its URL, and its own where it holds them", () => {
    const mesh = viewFixture(
      [
        policy("shop", "a", "a, jwksUri: http://idp/keys"),
        policy("shop", "b", `b, jwks: '${INLINE}'`),
        policy("shop", "c", "http://c"),
      ].join(""),
    );
    mesh.connect(sidecar("shop", "web"));
    assert.deepEqual(keys(mesh), [undefined, INLINE, undefined]);
    const { found, wanted } = mesh.model.requestAuthentications.issuerKeys;
    assert.deepEqual([...wanted.entries()].sort(), [
      ["discovery http://c", { timeoutMs: 5000, namespaces: ["shop"] }],
      ["jwks http://idp/keys", { timeoutMs: 5000, namespaces: ["shop"] }],
    ]);
    mesh.graph.commit((transaction) => transaction.set(found, "jwks http://idp/keys", { jwks: "fetched" }));
    mesh.graph.commit((transaction) => transaction.set(found, "discovery http://c", { jwks: "discovered" }));
    assert.deepEqual(keys(mesh), ["fetched", INLINE, "discovered"]);
  });

  test("wants keys for as long as the most patient of the rules that share them", () => {
    const uri = "jwksUri: http://idp/keys";
    const mesh = viewFixture(
      `${policy("shop", "a", `a, ${uri}, timeout: 1s`)}${policy("shop", "b", `b, ${uri}, timeout: 9s`)}`,
    );
    const { wanted } = mesh.model.requestAuthentications.issuerKeys;
    assert.deepEqual(
      [...wanted.entries()],
      [["jwks http://idp/keys", { timeoutMs: 9000, namespaces: ["shop"] }]],
    );
    mesh.remove(
      { kind: "RequestAuthentication", namespace: "shop", name: "a" },
      { kind: "RequestAuthentication", namespace: "shop", name: "b" },
    );
    assert.deepEqual([...wanted.entries()], []);
  });

  test("orders issuers by name, and those of one name by policy", () => {
    const mesh = viewFixture(
      `${policy("istio-system", "z", "b, audiences: [root]")}${policy("shop", "y", "b, audiences: [own]")}${policy("shop", "x", "a")}`,
    );
    mesh.connect(sidecar("shop", "web"));
    const [[, row] = []] = [...mesh.views.policies.RequestAuthentication.table.entries()];
    const told = row?.inputs.issuers.map(({ rule }) => `${rule.issuer} ${rule.audiences?.[0] ?? ""}`);
    assert.deepEqual(told, ["a ", "b root", "b own"]);
    assert.deepEqual(
      row?.provenance.map(({ object }) => object),
      [
        "RequestAuthentication/istio-system/z",
        "RequestAuthentication/shop/x",
        "RequestAuthentication/shop/y",
      ],
    );
  });
});

function choices({ views }: ViewFixture) {
  const entries = [...views.policies.RequestAuthentication.ofProxy.entries()].sort();
  return Object.fromEntries(entries.map(([key, { id }]) => [key, id]));
}

function issuers({ views }: ViewFixture) {
  const entries = [...views.policies.RequestAuthentication.table.entries()].sort();
  return Object.fromEntries(
    entries.map(([id, { inputs }]) => [id, inputs.issuers.map((each) => each.rule.issuer)]),
  );
}

function keys({ views }: ViewFixture) {
  return [...views.policies.RequestAuthentication.table.entries()].flatMap(([, { inputs }]) =>
    inputs.issuers.map(({ jwks }) => jwks),
  );
}

interface Choosing {
  readonly labels?: Readonly<Record<string, string>>;
  readonly gateway?: string;
}

function policy(namespace: string, name: string, rule: string, { labels, gateway }: Choosing = {}): string {
  const selector = labels === undefined ? "" : `selector: { matchLabels: ${JSON.stringify(labels)} },`;
  const group = "gateway.networking.k8s.io";
  const target =
    gateway === undefined ? "" : `targetRefs: [{ group: ${group}, kind: Gateway, name: ${gateway} }],`;
  return `---
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { namespace: ${namespace}, name: ${name} }
spec: { ${selector} ${target} jwtRules: [{ issuer: ${rule} }] }
`;
}
