// Proves claims of a mesh on one machine, as proxy-fields.test.ts proves those of proxies: fields of workloads, of Pods and
// of what these refer to.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { claimedFieldsByFile } from "../../tools/claimed-fields.ts";
import { localScene } from "./local-scene.ts";
import { configMapSettings, podSettings, secretSettings } from "./pod-settings.ts";
import { assertEffect, kindOfField } from "./toggle-fields.ts";
import {
  daemonSetSettings,
  deploymentSettings,
  jobSettings,
  statefulSetSettings,
} from "./workload-settings.ts";

const settings = [
  deploymentSettings,
  statefulSetSettings,
  daemonSetSettings,
  jobSettings,
  podSettings,
  configMapSettings,
  secretSettings,
];
const ofLocalMesh = Object.entries(claimedFieldsByFile).filter(([file]) => file.startsWith("src/local/"));
const claimed = [...new Set(ofLocalMesh.flatMap(([, fields]) => fields.map(String)))];

for (const kind of settings) {
  describe(kind.kind, () => {
    const stage = localScene();
    for (const field of claimed.filter((each) => kindOfField(each) === kind.kind))
      test(`${field} has an effect`, () => assertEffect(field, kind, stage));
  });
}

test("every kind with claims of the local mesh is toggled", () => {
  const toggled = settings.map(({ kind }) => kind);
  assert.deepEqual([...new Set(claimed.map(kindOfField))].sort(), toggled.sort());
});
