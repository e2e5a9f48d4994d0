import assert from "node:assert/strict";
import { it } from "node:test";
import { Graph } from "../graph/graph.ts";
import type { Visibility } from "../model/visibility.ts";
import { type ClientScope, MESH_SCOPE } from "./client-scope.ts";
import { deriveScopedRows, type Scoped } from "./scoped-rows.ts";

interface Thing {
  readonly visibility: Visibility;
  /** What clients of a namespace are told instead; undefined: that there is none. */
  readonly otherwise: Readonly<Record<string, string | undefined>>;
}

function fixture() {
  const graph = new Graph();
  const things = graph.source<Thing>("things");
  const scopeTable = graph.source<ClientScope>("scopes");
  const built: string[] = [];
  const rows = deriveScopedRows<Thing, string>(graph, {
    name: "rows",
    from: things,
    scopes: { table: scopeTable },
    visibility: ({ visibility }) => visibility,
    isClientDependent: ({ input: { otherwise } }) => Object.keys(otherwise).length > 0,
    build: ({ key, input: { otherwise }, client: { namespace } }) => {
      built.push(`${key} for ${namespace === "" ? "all" : namespace}`);
      const word = namespace in otherwise ? otherwise[namespace] : "common";
      return word === undefined ? new Map() : new Map([[`${key}-row`, word]]);
    },
  });
  const put = (key: string, thing: Partial<Thing>) =>
    graph.commit((transaction) =>
      transaction.set<Thing>(things, key, { visibility: "public", otherwise: {}, ...thing }),
    );
  const connect = (namespace: string) =>
    graph.commit((transaction) =>
      transaction.set(scopeTable, namespace, { ...MESH_SCOPE, id: namespace, namespace }),
    );
  return { graph, scopeTable, rows, put, connect, takeBuilt: () => built.splice(0).sort() };
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

it("deriveScopedRows() asks a new scope only about what depends on clients, and nobody else again", () => {
  const { put, connect, takeBuilt } = fixture();
  put("a", { otherwise: { shop: "special" } });
  put("b", {});
  put("c", { visibility: { namespaces: ["other"] } });
  connect("shop");
  takeBuilt();
  connect("other");
  assert.deepEqual(takeBuilt(), ["a for other", "c for other"]);
});

it("deriveScopedRows() asks all scopes again about an input that changed, and takes a scope's rows away with it", () => {
  const { graph, scopeTable, rows, put, connect, takeBuilt } = fixture();
  put("a", { otherwise: { shop: "special" } });
  put("b", { otherwise: { shop: "special" } });
  connect("shop");
  connect("other");
  takeBuilt();
  put("a", { otherwise: { shop: "changed" } });
  assert.deepEqual(takeBuilt(), ["a for all", "a for other", "a for shop"]);
  assert.equal(contents(rows.entries())["shop|a-row"], "changed");
  graph.commit((transaction) => transaction.delete(scopeTable, "shop"));
  assert.deepEqual(contents(rows.entries()), { "|a-row": "common", "|b-row": "common" });
});
