// Issue 3, item 7: twenty pods with Envoys in one `meltemi up`, what they weigh, and what else the control plane
// serves on the machine.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { RunningMesh } from "../mesh/running-mesh.ts";
import { skipWithoutMesh as skip, startMesh } from "../mesh/running-mesh.ts";

const REPLICAS = 17;
const MAX_MEMORY_BYTES = 250 * 1_000_000;

const crowd = `
apiVersion: v1
kind: Service
metadata: {name: crowd, namespace: test}
spec:
  selector: {app: crowd}
  ports: [{name: http, port: 80, targetPort: 8080}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: crowd, namespace: test}
spec:
  replicas: ${REPLICAS}
  selector: {matchLabels: {app: crowd}}
  template:
    metadata: {labels: {app: crowd}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - {name: crowd, image: none, command: [sleep, infinity]}
`;

let mesh: RunningMesh;

before(
  async () => {
    if (skip !== false) return;
    mesh = await startMesh({ files: { "crowd.yaml": crowd } });
  },
  { timeout: 180_000 },
);
after(() => mesh?.close());

test("twenty pods are ready, each with its Envoy, and none was started twice", { skip }, async () => {
  assert.match(mesh.output(), /^ready: 20 pods$/m);
  const pods = (await Promise.all(["client", "echo-v1", "echo-v2", "crowd"].map(mesh.pods))).flat();
  assert.equal(pods.length, 20);
  for (const { name, containers, phase } of pods) {
    assert.equal(phase, "Running", name);
    assert(containers.some(({ role }) => role === "proxy"));
    for (const { isReady, restartCount } of containers) assert.deepEqual([isReady, restartCount], [true, 0]);
  }
  assert.equal(new Set(pods.map(({ ip }) => ip)).size, 20, "each has an address of its own");
  assert.equal((await mesh.proxies()).length, 20);
});

test("control plane and supervisor together stay under 250 MB", { skip }, async () => {
  const { processes } = await mesh.report();
  assert.deepEqual(processes.map(({ name }) => name).sort(), ["control plane", "supervisor"]);
  const total = processes.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
  assert(total < MAX_MEMORY_BYTES, JSON.stringify(processes));
  assert(total > 20_000_000, "they were measured");
});

test("meltemi get pods -o wide prints the memory of control plane, supervisor and each Envoy", {
  skip,
}, async () => {
  const program = fileURLToPath(new URL("../../../bin/meltemi.mjs", import.meta.url));
  const env = { ...process.env, MELTEMI_STATE_DIR: mesh.stateDirectory, NO_COLOR: "1" };
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, [program, "get", "pods", "-A", "-o", "wide"], { env });
  const lines = stdout.trimEnd().split("\n");
  const table = lines.slice(lines.findIndex((line) => line.includes("ENVOY MEMORY")) + 1);
  const pods = table.filter((line) => line.startsWith("test "));
  assert.equal(pods.length, 20, stdout);
  for (const line of pods) assert.match(line, /2\/2 .* \d+(\.\d+)? ?Mi?B? +\d+(\.\d+)? ?Mi?B?\s*$/);
  assert.match(stdout, /^control plane +\d+ +\d+/m);
  assert.match(stdout, /^supervisor +\d+ +\d+/m);
});
