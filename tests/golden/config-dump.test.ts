// Whatever is generated can be shown: a dump of meshes that use every feature names each resource and unpacks each
// extension.

import assert from "node:assert/strict";
import { test } from "node:test";
import { configDumpJson } from "../../src/fleet/config-dump-json.ts";
import { splitLayerKey } from "../../src/view/layer-id.ts";
import { everything, tablesByType } from "./mesh-resources.ts";

test("configDumpJson() unpacks every extension that builders write", () => {
  const tables = new Map(tablesByType(everything()));
  const resourcesOf = (type: string) =>
    [...(tables.get(type as "cluster")?.entries() ?? [])].flatMap(([, row]) =>
      row.kind === "present" ? [row.resource] : [],
    );
  const dump = configDumpJson(resourcesOf, { hasEndpoints: true }) as { configs: object[] };
  const names = [...(tables.get("listener")?.entries() ?? [])].map(([key]) => splitLayerKey(key).name);
  const text = JSON.stringify(dump);
  assert.ok(names.length > 5);
  assert.deepEqual(
    names.filter((name) => !text.includes(`"${name}"`)),
    [],
  );
  assert.ok(text.includes("HttpConnectionManager") && text.includes("ClusterLoadAssignment"));
});
