// A policy that asks for it closes the connections that it concerns when it changes, and no others; without the
// annotation open streams keep what they began under.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { holdStreams } from "../lifecycle/long-streams.ts";
import { proxyCounters } from "../lifecycle/proxy-state.ts";
import { eventually } from "./eventually.ts";
import type { PodClient } from "./pod-client.ts";
import type { RunningMesh } from "./running-mesh.ts";
import { skipWithoutMesh as skip, startMesh } from "./running-mesh.ts";

const WORKLOADS = ["echo-v1", "echo-v2"];
const DRAIN_MS = 2_000;
const MESH_CONFIG = `
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: meltemi-system}
data: {mesh: "defaultConfig: {drainDuration: ${DRAIN_MS / 1000}s}"}
`;

let mesh: RunningMesh;
let client: PodClient;

before(
  async () => {
    if (skip !== false) return;
    mesh = await startMesh({
      files: { "mesh-config.yaml": MESH_CONFIG, "policy.yaml": policy("8080", "/a") },
    });
    client = await mesh.client("client");
  },
  { timeout: 120_000 },
);
after(() => mesh?.close());

/** Denies a path on a port: of a connection of bytes nobody knows it, so the port must speak HTTP. */
function policy(port: string, path: string, closes = "true"): string {
  const operation = port === "9000" ? `{ports: ["9000"]}` : `{ports: ["${port}"], paths: ["${path}"]}`;
  const from = port === "9000" ? `from: [{source: {principals: ["nobody${path}"]}}], ` : "";
  return `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: echo, namespace: test, annotations: {meltemi.dev/close-connections-on-change: "${closes}"}}
spec:
  selector: {matchLabels: {app: echo}}
  action: DENY
  rules: [{${from}to: [{operation: ${operation}}]}]
`;
}

async function untilDenied(path: string): Promise<void> {
  await eventually(async () => {
    for (let request = 0; request < 8; request += 1)
      assert.equal((await client.request(`http://echo${path}`)).status, 403);
  });
}

/** Which of the streams that were held over an edit broke, once nothing drains any more. */
async function brokenBy(edit: () => Promise<void>): Promise<readonly string[]> {
  await untilDenied("/a");
  await mesh.waitUntilInStep();
  await untilDrained();
  const streams = await holdStreams(mesh, "client", "echo");
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  await edit();
  await mesh.waitUntilInStep();
  await untilDrained();
  await untilDenied("/a");
  const outcomes = Object.entries(await streams.stop());
  for (const [kind, { count }] of outcomes) assert.ok(count > 0, `${kind}: ${count} answers`);
  return outcomes.flatMap(([kind, { error }]) => (error === undefined ? [] : [kind])).sort();
}

async function untilDrained(): Promise<void> {
  await eventually(async () => {
    for (const workload of WORKLOADS) {
      const counters = await proxyCounters(mesh, workload);
      assert.equal(counters["listener_manager.total_filter_chains_draining"], 0);
    }
  });
}

test("an edit of such a policy closes the connections of the ports that it speaks of", { skip }, async () => {
  const broken = await brokenBy(async () => {
    await mesh.save("policy.yaml", policy("8080", "/a*"));
    await untilDenied("/a/b");
  });
  assert.deepEqual(broken, ["websocket"]);
});

test("connections of bytes are closed likewise, of the port alone", { skip }, async () => {
  await replacing(() => mesh.save("policy.yaml", `${policy("8080", "/a*")}---${bytesPolicy("/a")}`));
  const broken = await brokenBy(() =>
    replacing(() => mesh.save("policy.yaml", `${policy("8080", "/a*")}---${bytesPolicy("/b")}`)),
  );
  assert.deepEqual(broken, ["tcp"]);
});

test("neither a comment nor a policy without the annotation closes any", { skip }, async () => {
  const before = await replacedCounts();
  const plain = policy("8080", "/plain", "false").replace("name: echo", "name: plain");
  const broken = await brokenBy(async () => {
    await mesh.save("policy.yaml", `# Why.\n${policy("8080", "/a*")}---${bytesPolicy("/b")}---${plain}`);
    await untilDenied("/plain");
  });
  assert.deepEqual(broken, []);
  assert.deepEqual(await replacedCounts(), before);
});

function bytesPolicy(path: string): string {
  return policy("9000", path).replace("name: echo", "name: bytes");
}

/** Until each pod has replaced chains of its listener. */
async function replacing(edit: () => Promise<void>): Promise<void> {
  const before = await replacedCounts();
  await edit();
  await eventually(async () => {
    for (const [at, count] of (await replacedCounts()).entries()) assert.ok(count > (before[at] ?? 0));
  });
}

function replacedCounts(): Promise<readonly number[]> {
  return Promise.all(
    WORKLOADS.map(
      async (workload) =>
        (await proxyCounters(mesh, workload))["listener_manager.listener_in_place_updated"] ?? assert.fail(),
    ),
  );
}
