// What proxies are served follows from the objects and from who is connected: not from the order in which they came,
// and not from how labels are written down.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { commitObjects } from "../../tests/support/mesh-fixture.ts";
import { type Edit, type RandomMesh, randomMesh } from "../../tests/support/random-mesh.ts";
import { viewFixture } from "../../tests/support/view-fixture.ts";
import type { KubernetesObject } from "../kinds/define-kind.ts";
import { keyOf } from "../model/sources.ts";
import type { ConnectedProxy } from "../view/client-scope.ts";
import { declareResourceTables } from "./resource-tables.ts";

const MESH_COUNT = 500;

const ranks = fc.infiniteStream(fc.nat());

test("declareResourceTables() gives the same bytes and layers in whatever order objects and proxies come", () => {
  const seen = { layers: 0, differences: 0, selectors: 0, imports: 0, "several proxies of a scope": 0 };
  fc.assert(
    fc.property(randomMesh, ranks, ({ batches, clients, imports }, ranksOfOrder) => {
      const objects = lastOf(batches.flat());
      const usual = served([objects], [clients], { imports });
      const reordered = shuffled(objects, ranksOfOrder).map(rewritten);
      const other = served(halves(reordered), halves(shuffled(clients, ranksOfOrder)), {
        clientsFirst: true,
        imports,
      });
      assert.deepEqual(other, usual);
      const layers = new Set(Object.keys(usual.resources).map((key) => key.slice(0, key.lastIndexOf("|"))));
      seen.layers += layers.size;
      seen.differences += [...layers].filter((layer) => layer.split("|")[1]?.startsWith("a")).length;
      seen.selectors += [...layers].filter((layer) => layer.includes("app=")).length;
      seen.imports += [...layers].filter((layer) => layer.includes("@imports=")).length;
      seen["several proxies of a scope"] += clients.length - new Set(Object.values(usual.profiles)).size;
    }),
    { numRuns: MESH_COUNT },
  );
  for (const [what, count] of Object.entries(seen)) assert.ok(count >= 20, `${what}: ${count}`);
});

/** Of objects of one name the last, unless it is removed. */
function lastOf(edits: readonly Edit[]): readonly KubernetesObject[] {
  const byKey = new Map(edits.map((edit) => [keyOf(edit.object), edit]));
  return [...byKey.values()].filter(({ isRemoved }) => !isRemoved).map(({ object }) => object);
}

function shuffled<T>(list: readonly T[], order: fc.Stream<number>): readonly T[] {
  const ranked = list.map((one) => [order.next().value as number, one] as const);
  return ranked.sort(([a], [b]) => a - b).map(([, one]) => one);
}

function halves<T>(list: readonly T[]): readonly (readonly T[])[] {
  const half = Math.ceil(list.length / 2);
  return [list.slice(0, half), list.slice(half)];
}

/** The same, with the keys of all records in the opposite order. */
function rewritten<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(rewritten) as T;
  const entries = Object.entries(value).map(([key, part]) => [key, rewritten(part)] as const);
  return Object.fromEntries(entries.reverse()) as T;
}

/** By commits: the layers of each proxy, and what is in all layers. */
function served(
  objects: readonly (readonly KubernetesObject[])[],
  clients: readonly (readonly ConnectedProxy[])[],
  {
    clientsFirst = false,
    imports,
  }: { readonly clientsFirst?: boolean; readonly imports: RandomMesh["imports"] },
) {
  const mesh = viewFixture();
  const tables = declareResourceTables(mesh.graph, mesh.views);
  const connect = () => {
    for (const batch of clients) mesh.connect(...batch);
    for (const [key, set] of Object.entries(imports)) mesh.restrict(key, set);
  };
  if (clientsFirst) connect();
  for (const batch of objects) commitObjects(mesh.graph, mesh.sources, batch);
  if (!clientsFirst) connect();
  assert.deepEqual(mesh.graph.failures(), []);
  const resources = Object.entries(tables).flatMap(([type, table]) =>
    [...table.entries()].map(([key, row]) => [
      `${type}|${key}`,
      row.kind === "present" ? row.resource.version : "absent",
    ]),
  );
  const profiles = [...mesh.views.profiles.entries()].map(([key, { layers }]) => [
    key,
    JSON.stringify(layers),
  ]);
  return {
    resources: Object.fromEntries(resources.sort(([a = ""], [b = ""]) => (a < b ? -1 : 1))) as Record<
      string,
      string
    >,
    profiles: Object.fromEntries(profiles) as Record<string, string>,
  };
}
