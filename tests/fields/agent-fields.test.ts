// Proves claims of MeshConfig that act on pods that are injected and on their agents, as proxy-fields.test.ts proves those of
// proxies; and that no claim is left that none of these files proves.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { claimedFieldsByFile } from "../../tools/claimed-fields.ts";
import { agentScene } from "./agent-scene.ts";
import { podConfigSettings } from "./mesh-config-settings.ts";
import { assertEffect, kindOfField } from "./toggle-fields.ts";

const ROOMS = /^src\/(inject|agent|sources)\//;
const claimed = Object.entries(claimedFieldsByFile).flatMap(([file, fields]) =>
  ROOMS.test(file) ? fields.map(String) : [],
);

describe("MeshConfig", () => {
  const stage = agentScene();
  for (const field of new Set(claimed))
    test(`${field} has an effect`, () => assertEffect(field, podConfigSettings, stage));
});

test("only MeshConfig has claims there", () => {
  assert.deepEqual([...new Set(claimed.map(kindOfField))], ["MeshConfig"]);
});

test("every claim on behalf of a file is toggled here or in local-fields.test.ts", () => {
  const others = Object.keys(claimedFieldsByFile).filter((file) => !ROOMS.test(file));
  assert.deepEqual(
    others.filter((file) => !file.startsWith("src/local/")),
    [],
  );
});
