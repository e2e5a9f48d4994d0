// MeshConfig's defaultConfig.drainDuration reaches each Envoy of a mesh on one machine, as it does on Kubernetes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { skipWithoutMesh as skip, startMesh } from "../mesh/running-mesh.ts";
import { proxyDrainTime } from "./proxy-state.ts";

const meshConfig = `
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data:
  mesh: |
    defaultConfig: {drainDuration: 7s, terminationDrainDuration: 1s}
`;

test("an Envoy drains as long as the mesh says, and nobody is told that it doesn't", {
  skip,
  timeout: 120_000,
}, async (t) => {
  const mesh = await startMesh({ files: { "mesh-config.yaml": meshConfig } });
  t.after(() => mesh.close());
  assert.equal(await proxyDrainTime(mesh, "client"), "7s");
  assert.doesNotMatch(mesh.output(), /rainDuration/);
});
