import assert from "node:assert/strict";
import { describe, it, test } from "node:test";
import { meshFixture, readNow } from "../../tests/support/mesh-fixture.ts";
import { sidecar } from "../../tests/support/view-fixture.ts";
import type { Visibility } from "../model/visibility.ts";
import { otherAnswers, recordQuestions, type ScopeClient } from "./client-questions.ts";
import { type ConnectedProxy, declareClientScopes, MESH_SCOPE, type OnUndeclared } from "./client-scope.ts";
import { deriveScopedRows } from "./scoped-rows.ts";

const CANARIES = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: web, namespace: shop }
spec:
  hosts: [web]
  http: [{ match: [{ sourceLabels: { tier: canary, app: web } }], route: [{ destination: { host: web } }] }]
`;

describe("recordQuestions()", () => {
  const named: Visibility = { namespaces: ["shop", "home"] };
  const cases: Readonly<Record<string, readonly [(client: ScopeClient) => unknown, readonly string[]]>> = {
    "nothing about what everybody sees": [(client) => client.sees("public"), []],
    "nothing about no labels": [(client) => client.matches({}), []],
    "each namespace that sees something": [(client) => client.sees(named), ["shop", "home"]],
    "a namespace once": [(client) => [client.isIn("shop"), client.isIn("shop")], ["shop"]],
    "labels in one order": [
      (client) => [
        client.matches({ tier: "canary", app: "web" }),
        client.matches({ app: "web", tier: "canary" }),
      ],
      ["app=web,tier=canary"],
    ],
    "what else there is": [
      (client) => [client.families(), client.capturesDns(), client.namespace()],
      ["@families", "@dns", "@namespace"],
    ],
  };
  for (const [what, [ask, wanted]] of Object.entries(cases)) {
    it(`notes ${what}`, () => {
      const { scopes, put } = fixture();
      put(CANARIES);
      const { client, questions } = recordQuestions(MESH_SCOPE, scopes.identity, readNow);
      ask(client);
      assert.deepEqual(questions(), wanted);
    });
  }
});

test("otherAnswers() says in what a scope isn't as the client that stands for the mesh", () => {
  const { scopes, put, connect } = fixture();
  put(CANARIES);
  const labels = { tier: "canary", app: "web" };
  connect({ ...sidecar("shop", "web", labels), capturesDns: true, addresses: ["fd00::1"] });
  const [scope] = [...scopes.table.entries()].map(([, each]) => each);
  assert.ok(scope !== undefined);
  assert.deepEqual(otherAnswers(scope, MESH_SCOPE), [
    "shop",
    "@namespace",
    "@undeclared",
    "app=web,tier=canary",
    "@families",
    "@dns",
  ]);
});

describe("a question that no rule declares", () => {
  const asksForColor = (client: ScopeClient) => (client.matches({ color: "blue" }) ? "blue" : "other");

  it("fails the row that asks it", () => {
    const { graph, things, connect } = fixture(asksForColor);
    connect(sidecar("shop", "web"));
    const { errors } = graph.commit((transaction) => transaction.set(things, "thing", true));
    assert.match(String(errors[0]?.error), /Cannot ask clients "color=blue": no rule declares it/);
  });

  it("is told, and answered from the facts of a client of the scope, where somebody takes note", () => {
    const asked: string[] = [];
    const { graph, things, rows, connect } = fixture(asksForColor, (question) => asked.push(question));
    graph.commit((transaction) => transaction.set(things, "thing", true));
    connect(sidecar("shop", "web", { color: "blue" }));
    assert.deepEqual(
      [...rows.entries()].map(([key, row]) => [key, row.kind === "present" ? row.inputs : undefined]).sort(),
      [
        ["shop|row", "blue"],
        ["|row", "other"],
      ],
    );
    assert.deepEqual(asked, ["color=blue", "color=blue"]);
  });
});

function fixture(answer: (client: ScopeClient) => string = () => "", onUndeclared?: OnUndeclared) {
  const mesh = meshFixture();
  const { graph, model } = mesh;
  const proxies = graph.source<ConnectedProxy>("connected proxies");
  const things = graph.source<true>("things");
  const scopes = declareClientScopes(graph, model, proxies, { onUndeclared });
  const rows = deriveScopedRows<true, string>(graph, {
    name: "rows",
    from: things,
    imported: () => graph.source("imported things"),
    scopes,
    build: ({ client }) => new Map([["row", answer(client)]]),
  });
  const connect = (proxy: ConnectedProxy) =>
    graph.commit((transaction) => transaction.set(proxies, `${proxy.namespace}/${proxy.name}`, proxy));
  return { ...mesh, scopes, things, rows, connect };
}
