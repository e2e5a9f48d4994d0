// A proxy that imports only some of the mesh gets sets that hold together: what its resources name is among them, where
// a proxy that imports everything has it too.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { commitObjects } from "../../tests/support/mesh-fixture.ts";
import { randomMesh } from "../../tests/support/random-mesh.ts";
import { type ViewFixture, viewFixture } from "../../tests/support/view-fixture.ts";
import { splitLayerKey } from "../view/layer-id.ts";
import { type LayeredType, layeredTypes } from "../view/profile.ts";
import type { BuiltResource } from "./built-resource.ts";
import { declareResourceTables, type ResourceTables } from "./resource-tables.ts";

test("what resources of a proxy with imports refer to is served beside them", () => {
  const seen = { proxies: 0, references: 0, "fewer resources": 0 };
  fc.assert(
    fc.property(randomMesh, ({ batches, clients, imports }) => {
      const mesh = viewFixture();
      const tables = declareResourceTables(mesh.graph, mesh.views);
      const objects = batches.flat().filter(({ isRemoved }) => !isRemoved);
      commitObjects(
        mesh.graph,
        mesh.sources,
        objects.map(({ object }) => object),
      );
      mesh.connect(...clients);
      for (const [key] of mesh.proxies.entries()) {
        if (mesh.proxies.get(key)?.kind !== "sidecar" || imports[key] === undefined) continue;
        const all = servedTo(key, mesh, tables);
        mesh.restrict(key, imports[key]);
        const some = servedTo(key, mesh, tables);
        for (const { resource } of some.values()) {
          for (const reference of resource.needs) {
            const name = `${reference.type} ${reference.name}`;
            assert.ok(some.has(name) || !all.has(name), `${key}: ${resource.name} refers to ${name}`);
            seen.references += 1;
          }
        }
        seen.proxies += 1;
        seen["fewer resources"] += some.size < all.size ? 1 : 0;
      }
    }),
    { numRuns: 100 },
  );
  for (const [what, count] of Object.entries(seen)) assert.ok(count >= 20, `${what}: ${count}`);
});

interface Served {
  readonly type: LayeredType;
  readonly resource: BuiltResource;
}

/** By type and name. */
function servedTo(
  proxy: string,
  { views }: ViewFixture,
  tables: ResourceTables,
): ReadonlyMap<string, Served> {
  const served = new Map<string, Served>();
  const { layers } = views.profiles.get(proxy) ?? assert.fail(`no profile for ${proxy}`);
  for (const type of layeredTypes) {
    for (const layer of layers[type].toReversed()) {
      for (const [key, row] of tables[type].entries()) {
        const { layer: own, name } = splitLayerKey(key);
        if (own !== layer) continue;
        if (row.kind === "absent") served.delete(`${type} ${name}`);
        else served.set(`${type} ${name}`, { type, resource: row.resource });
      }
    }
  }
  return served;
}
