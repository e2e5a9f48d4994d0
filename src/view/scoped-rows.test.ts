import assert from "node:assert/strict";
import { it } from "node:test";
import { meshFixture } from "../../tests/support/mesh-fixture.ts";
import { sidecar } from "../../tests/support/view-fixture.ts";
import type { Visibility } from "../model/visibility.ts";
import { type ConnectedProxy, declareClientScopes } from "./client-scope.ts";
import type { ImportedInput } from "./import-sets.ts";
import { deriveScopedRows, type Scoped } from "./scoped-rows.ts";

interface Thing {
  readonly visibility: Visibility;
  /** What clients of a namespace are told instead; undefined: that there is none. */
  readonly otherwise: Readonly<Record<string, string | undefined>>;
}

function fixture() {
  const { graph, model } = meshFixture();
  const things = graph.source<Thing>("things");
  const imported = graph.source<ImportedInput<Thing>>("imported things");
  const proxies = graph.source<ConnectedProxy>("connected proxies");
  const built: string[] = [];
  const rows = deriveScopedRows<Thing, string>(graph, {
    name: "rows",
    from: things,
    imported: () => imported,
    scopes: declareClientScopes(graph, model, proxies),
    build: ({ key, input: { visibility, otherwise }, client }) => {
      built.push(key);
      if (!client.sees(visibility)) return new Map();
      const namespace = Object.keys(otherwise).find((each) => client.isIn(each));
      const word = namespace === undefined ? "common" : otherwise[namespace];
      return word === undefined ? new Map() : new Map([[`${key}-row`, word]]);
    },
  });
  const put = (key: string, thing: Partial<Thing>) =>
    graph.commit((transaction) =>
      transaction.set<Thing>(things, key, { visibility: "public", otherwise: {}, ...thing }),
    );
  const connect = (namespace: string) =>
    graph.commit((transaction) => transaction.set(proxies, namespace, sidecar(namespace, "client")));
  return { graph, proxies, rows, put, connect, takeBuilt: () => built.splice(0).sort() };
}

function contents(rows: Iterable<readonly [string, Scoped<string>]>): Record<string, string> {
  const entries = [...rows].map(([key, row]) => [key, row.kind === "present" ? row.inputs : "(absent)"]);
  return Object.fromEntries(entries.sort());
}

it("deriveScopedRows() puts over the mesh's rows what a scope sees otherwise", () => {
  const { rows, put, connect } = fixture();
  put("a", { otherwise: { shop: "special" } });
  put("b", { otherwise: { shop: undefined } });
  put("c", { otherwise: { other: "special" } });
  put("d", { visibility: { namespaces: ["shop"] } });
  connect("shop");
  assert.deepEqual(contents(rows.entries()), {
    "|a-row": "common",
    "|b-row": "common",
    "|c-row": "common",
    "shop|a-row": "special",
    "shop|b-row": "(absent)",
    "shop|d-row": "common",
  });
});

it("deriveScopedRows() asks a new scope only about what it answers otherwise than the mesh, and nobody else again", () => {
  const { put, connect, takeBuilt } = fixture();
  put("a", { otherwise: { shop: "special" } });
  put("b", {});
  put("c", { visibility: { namespaces: ["other"] } });
  connect("shop");
  takeBuilt();
  connect("other");
  assert.deepEqual(takeBuilt(), ["c"]);
});

it("deriveScopedRows() asks scopes again about an input that changed, and takes a scope's rows away with it", () => {
  const { graph, proxies, rows, put, connect, takeBuilt } = fixture();
  put("a", { otherwise: { shop: "special" } });
  put("b", { otherwise: { shop: "special" } });
  connect("shop");
  connect("other");
  takeBuilt();
  put("a", { otherwise: { shop: "changed" } });
  // For the mesh, and for the namespace that it's about.
  assert.deepEqual(takeBuilt(), ["a", "a"]);
  assert.equal(contents(rows.entries())["shop|a-row"], "changed");
  graph.commit((transaction) => transaction.delete(proxies, "shop"));
  assert.deepEqual(contents(rows.entries()), { "|a-row": "common", "|b-row": "common" });
});
