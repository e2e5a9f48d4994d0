import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { sidecar, type ViewFixture, viewFixture } from "../../tests/support/view-fixture.ts";
import type { AuthorizationInputs } from "./authorization-inputs.ts";

const WEB = { app: "web" };

describe("declareAuthorizations()", () => {
  test("gives proxies with the same policies one row, and others their own", () => {
    const mesh = meshOf(policy("istio-system/all"), policy("shop/web", { selector: { matchLabels: WEB } }));
    mesh.connect(sidecar("shop", "web-1", WEB), sidecar("shop", "web-2", { ...WEB, version: "v2" }));
    mesh.connect(sidecar("shop", "api", { app: "api" }), sidecar("other", "web", WEB));
    assert.deepEqual(setOf(mesh, "shop/web-1"), setOf(mesh, "shop/web-2"));
    assert.deepEqual(setOf(mesh, "shop/web-1").policies, ["istio-system/all", "shop/web"]);
    assert.deepEqual(setOf(mesh, "shop/api").policies, ["istio-system/all"]);
    assert.equal(setOf(mesh, "shop/api").id, setOf(mesh, "other/web").id);
    assert.equal([...mesh.views.policies.AuthorizationPolicy.table.entries()].length, 2);
  });

  test("takes labels of the root namespace for workloads of every namespace", () => {
    const mesh = meshOf(policy("istio-system/web", { selector: { matchLabels: WEB } }));
    mesh.connect(sidecar("shop", "web", WEB), sidecar("shop", "api"));
    assert.deepEqual(setOf(mesh, "shop/web").policies, ["istio-system/web"]);
    assert.deepEqual(setOf(mesh, "shop/api").policies, []);
  });

  test("finds the policies that target a gateway, by targetRef and by targetRefs", () => {
    const gateway = { group: "gateway.networking.k8s.io", kind: "Gateway", name: "edge" };
    const mesh = meshOf(
      policy("shop/one", { targetRef: gateway }),
      policy("shop/several", { targetRefs: [{ ...gateway, name: "other" }, gateway] }),
    );
    mesh.connect(sidecar("shop", "edge", { "gateway.networking.k8s.io/gateway-name": "edge" }));
    mesh.connect(sidecar("shop", "web"));
    assert.deepEqual(setOf(mesh, "shop/edge").policies, ["shop/one", "shop/several"]);
    assert.deepEqual(setOf(mesh, "shop/web").policies, []);
  });

  test("keeps a proxy's set when a policy says something else", () => {
    const mesh = meshOf(policy("shop/web", { action: "DENY", rules: [{}] }));
    mesh.connect(sidecar("shop", "web"));
    const { ofProxy } = mesh.views.policies.AuthorizationPolicy;
    const before = ofProxy.get("shop/web");
    let changeCount = 0;
    ofProxy.watch(() => (changeCount += 1));
    mesh.put(policy("shop/web", { action: "AUDIT" }));
    assert.equal(ofProxy.get("shop/web"), before);
    assert.equal(changeCount, 0);
    assert.equal(inputsOf(mesh, "shop/web").policies[0]?.action, "AUDIT");
  });

  test("has no row that no proxy needs", () => {
    const mesh = meshOf(policy("shop/web"));
    mesh.connect(sidecar("shop", "web"));
    mesh.disconnect("shop/web");
    assert.deepEqual([...mesh.views.policies.AuthorizationPolicy.table.entries()], []);
  });
});

describe("a set's inputs", () => {
  test("are what a policy says, with ALLOW as its action and no rules by default", () => {
    const mesh = meshOf(policy("shop/none", undefined));
    mesh.connect(sidecar("shop", "web"));
    const none = {
      namespace: "shop",
      name: "none",
      action: "ALLOW",
      isDryRun: false,
      provider: "",
      rules: [],
    };
    assert.deepEqual(inputsOf(mesh, "shop/web").policies, [none]);
    assert.deepEqual(inputsOf(mesh, "shop/web").trustDomains, ["cluster.local"]);
  });

  for (const [value, isDryRun] of [
    ["true", true],
    ["1", true],
    ["T", true],
    ["false", false],
  ] as const) {
    test(`read "${value}" as ${isDryRun ? "a dry run" : "no dry run"}`, () => {
      const annotations = { "istio.io/dry-run": value };
      const mesh = meshOf(policy("shop/web", { action: "DENY", rules: [{}] }, annotations));
      mesh.connect(sidecar("shop", "web"));
      assert.equal(inputsOf(mesh, "shop/web").policies[0]?.isDryRun, isDryRun);
    });
  }

  for (const [value, sidecars, gateways] of [
    [undefined, false, false],
    ["sidecars", true, false],
    ["gateways", false, true],
    ["gateways, sidecars", true, true],
    ["true", false, false],
  ] as const) {
    test(`explain denials as ${value === undefined ? "no annotation" : `"${value}"`} says`, () => {
      const annotations = value === undefined ? {} : { "meltemi.dev/explain-denials": value };
      const mesh = meshOf(
        policy("shop/one"),
        policy("shop/other", { action: "DENY", rules: [{}] }, annotations),
      );
      mesh.connect(sidecar("shop", "web"), { ...sidecar("shop", "edge"), kind: "router" });
      const explained = ["shop/web", "shop/edge"].map((key) => inputsOf(mesh, key).explainsDenials);
      assert.deepEqual(explained, [sidecars, gateways]);
    });
  }

  test("have the mesh's trust domain first, then its aliases", () => {
    const mesh = meshOf(meshConfig({ trustDomain: "new", trustDomainAliases: ["old", "new"] }));
    mesh.connect(sidecar("shop", "web"));
    assert.deepEqual(inputsOf(mesh, "shop/web").trustDomains, ["new", "old"]);
  });
});

describe("a provider's server", () => {
  const CLUSTER = "outbound|9000||authz.shop.svc.cluster.local";
  for (const [name, service, port, wanted] of [
    ["is found in the namespace that is named", "shop/authz.shop.svc.cluster.local", 9000, CLUSTER],
    ["is found by a host of one namespace", "authz.shop.svc.cluster.local", 9000, CLUSTER],
    ["isn't found in another namespace", "other/authz.shop.svc.cluster.local", 9000, undefined],
    ["isn't found by the service's own name", "shop/authz", 9000, undefined],
    ["isn't found by a host of two namespaces", "both.example.com", 80, undefined],
    ["isn't found on a port that the service lacks", "shop/authz.shop.svc.cluster.local", 9001, undefined],
  ] as const) {
    test(name, () => {
      const provider = { name: "opa", envoyExtAuthzGrpc: { service, port } };
      const mesh = meshOf(
        meshConfig({ extensionProviders: [provider] }),
        policy("shop/web", { action: "CUSTOM", provider: { name: "opa" }, rules: [{}] }),
        AUTHZ_SERVICE,
        entry("shop"),
        entry("other"),
      );
      mesh.connect(sidecar("shop", "web"));
      const { providers } = inputsOf(mesh, "shop/web");
      assert.equal(providers.opa?.kind, "grpc");
      assert.equal(providers.opa?.server?.cluster, wanted);
    });
  }

  test("appears when its service does", () => {
    const provider = {
      name: "opa",
      envoyExtAuthzHttp: { service: "shop/authz.shop.svc.cluster.local", port: 9000 },
    };
    const mesh = meshOf(
      meshConfig({ extensionProviders: [provider] }),
      policy("shop/web", { action: "CUSTOM", provider: { name: "opa" }, rules: [{}] }),
    );
    mesh.connect(sidecar("shop", "web"));
    assert.equal(inputsOf(mesh, "shop/web").providers.opa?.server, undefined);
    mesh.put(AUTHZ_SERVICE);
    assert.equal(inputsOf(mesh, "shop/web").providers.opa?.server?.hostname, "authz.shop.svc.cluster.local");
  });
});

describe("a workload whose policies ask several providers about connections", () => {
  const custom = (name: string, more: object = {}) =>
    policy(`shop/${name}`, { action: "CUSTOM", provider: { name }, rules: [{}], ...more });
  const server = { service: "authz.shop.svc.cluster.local", port: 9000 };
  const providers = meshConfig({
    extensionProviders: [
      { name: "one", envoyExtAuthzGrpc: server },
      { name: "two", envoyExtAuthzGrpc: server },
      { name: "http", envoyExtAuthzHttp: server },
    ],
  });
  const asksSeveral = (mesh: ViewFixture, proxy: string) =>
    mesh.views.inboundOfProxy.get(proxy)?.listener.settings.asksSeveralProviders;

  test("has another listener than those that ask one, or by HTTP", () => {
    const mesh = meshOf(AUTHZ_SERVICE, providers, custom("one"), custom("http"));
    mesh.put(custom("two", { selector: { matchLabels: WEB } }));
    mesh.connect(sidecar("shop", "web", WEB), sidecar("shop", "api"));
    assert.deepEqual([asksSeveral(mesh, "shop/web"), asksSeveral(mesh, "shop/api")], [true, undefined]);
    const before = mesh.views.inboundOfProxy.get("shop/web");
    mesh.put(custom("one", { rules: [] }));
    assert.equal(mesh.views.inboundOfProxy.get("shop/web"), before);
    mesh.put(policy("shop/two", { action: "DENY", rules: [{}] }));
    assert.equal(asksSeveral(mesh, "shop/web"), undefined);
  });
});

const AUTHZ_SERVICE = JSON.stringify({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "authz", namespace: "shop" },
  spec: { clusterIP: "10.96.0.9", ports: [{ name: "grpc", port: 9000 }] },
});

function entry(namespace: string): string {
  return JSON.stringify({
    apiVersion: "networking.istio.io/v1",
    kind: "ServiceEntry",
    metadata: { name: "both", namespace },
    spec: {
      hosts: ["both.example.com"],
      ports: [{ name: "http", number: 80, protocol: "HTTP" }],
      resolution: "DNS",
    },
  });
}

function policy(key: string, spec?: object, annotations?: Readonly<Record<string, string>>): string {
  const [namespace, name] = key.split("/");
  const metadata = { namespace, name, ...(annotations === undefined ? {} : { annotations }) };
  return JSON.stringify({ apiVersion: "security.istio.io/v1", kind: "AuthorizationPolicy", metadata, spec });
}

function meshConfig(spec: object): string {
  return JSON.stringify({ kind: "MeshConfig", metadata: { name: "mesh" }, spec });
}

function meshOf(...documents: readonly string[]): ViewFixture {
  return viewFixture(documents.join("\n---\n"));
}

function setOf(mesh: ViewFixture, proxy: string) {
  const set = mesh.views.policies.AuthorizationPolicy.ofProxy.get(proxy);
  assert.ok(set !== undefined, `${proxy} has no set`);
  return set;
}

function inputsOf(mesh: ViewFixture, proxy: string): AuthorizationInputs {
  const row = mesh.views.policies.AuthorizationPolicy.table.get(setOf(mesh, proxy).id);
  assert.ok(row !== undefined, `${proxy} has no row`);
  return row.inputs;
}
