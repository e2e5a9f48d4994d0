import assert from "node:assert/strict";
import { test } from "node:test";
import { meshFixture } from "../../../tests/support/mesh-fixture.ts";
import { declareProblems } from "./problems.ts";

const NAMES = ["a", "b", "c", "d", "e"];
const MESH = `
apiVersion: meltemi.dev/v1
kind: MeshConfig
metadata: { name: mesh }
spec:
  extensionProviders:
${NAMES.map((name) => `    - { name: ${name}, envoyExtAuthzGrpc: { service: asked.shop.svc.cluster.local, port: 9000 } }`).join("\n")}
    - { name: http, envoyExtAuthzHttp: { service: asked.shop.svc.cluster.local, port: 8000 } }
`;

interface Custom {
  readonly namespace?: string;
  readonly labels?: object;
}

const custom = (provider: string, { namespace = "shop", labels = {} }: Custom = {}) =>
  JSON.stringify({
    apiVersion: "security.istio.io/v1",
    kind: "AuthorizationPolicy",
    metadata: { name: provider, namespace },
    spec: { selector: { matchLabels: labels }, action: "CUSTOM", provider: { name: provider }, rules: [{}] },
  });

function severities(...policies: readonly string[]): readonly string[] {
  const { graph, sources, model, put } = meshFixture();
  const problems = declareProblems(graph, sources, model);
  put([MESH, ...policies].join("\n---\n"));
  const found = [...problems.entries()].flatMap(([, each]) => each);
  return found.filter(({ code }) => code === "MLT2036").map(({ severity }) => severity);
}

test("checkConnectionProviders() says where several providers are asked about a workload's connections", () => {
  assert.deepEqual(severities(custom("a"), custom("b", { labels: { app: "web" } })), ["info", "info"]);
  assert.deepEqual(severities(custom("a"), custom("b", { namespace: "istio-system" }))[0], "info");
});

test("checkConnectionProviders() warns of more than there are places for", () => {
  assert.deepEqual(new Set(severities(...NAMES.map((name) => custom(name)))), new Set(["warning"]));
});

test("checkConnectionProviders() is silent where one is asked, or others about others, or by HTTP, or none", () => {
  assert.deepEqual(severities(custom("a"), custom("http")), []);
  assert.deepEqual(severities(custom("a"), custom("b", { namespace: "other" })), []);
  const labels = (app: string) => ({ labels: { app } });
  assert.deepEqual(severities(custom("a", labels("web")), custom("b", labels("api"))), []);
});
