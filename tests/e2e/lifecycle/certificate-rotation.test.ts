// Issue 3, identity: certificates that live for seconds only are replaced again and again under load, and neither
// requests nor long-lived connections notice.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { eventually } from "../mesh/eventually.ts";
import type { RunningMesh } from "../mesh/running-mesh.ts";
import { skipWithoutMesh as skip, startMesh } from "../mesh/running-mesh.ts";
import { holdStreams } from "./long-streams.ts";
import { proxyCertificate, proxyCounters } from "./proxy-state.ts";

// By the mesh's defaultConfig for all pods but one, whose own annotation says another one.
const MESH_TTL_SECONDS = 6;
const OWN_TTL_SECONDS = 60;
const ROTATION_COUNT = 3;

const shortLived = `
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data:
  mesh: |
    defaultConfig:
      proxyMetadata: {SECRET_TTL: ${MESH_TTL_SECONDS}s}
`;

let mesh: RunningMesh;

before(
  async () => {
    if (skip !== false) return;
    mesh = await startMesh({ files: { "mesh-config.yaml": shortLived, "own.yaml": await ownLifetime() } });
  },
  { timeout: 120_000 },
);
after(() => mesh?.close());

/** The fixture's second caller, with a lifetime of its own. */
async function ownLifetime(): Promise<string> {
  const yaml = await readFile(new URL("../mesh/manifests/second-client.yaml", import.meta.url), "utf8");
  const annotation = `"proxyMetadata: {SECRET_TTL: ${OWN_TTL_SECONDS}s}"`;
  return yaml.replace(
    "labels: { app: client-two } }",
    `labels: { app: client-two }, annotations: { proxy.istio.io/config: ${annotation} } }`,
  );
}

/** As the control plane granted it, by its log: Envoy tells in days what is left. */
async function lifetimeSeconds(account: string): Promise<number> {
  const log = await readFile(`${mesh.stateDirectory}/supervisor.log`, "utf8");
  const lines = log
    .split("\n")
    .filter((line) => line.includes("certificate signed") && line.includes(`/sa/${account}"`));
  const { ttlSeconds } = JSON.parse(lines.at(-1) ?? "{}") as { readonly ttlSeconds?: number };
  return ttlSeconds ?? 0;
}

test("certificates are rotated under load, and no request and no stream is lost", {
  skip,
  timeout: 120_000,
}, async () => {
  const client = await mesh.client("client");
  const load = await client.load({ url: "http://echo/", connections: 6, pauseMs: 3 });
  const fresh = await client.load({ url: "http://echo/", connections: 1, pauseMs: 50, isNew: true });
  const streams = await holdStreams(mesh, "client", "echo");
  const serials = new Map(["client", "echo-v1", "echo-v2"].map((workload) => [workload, new Set<string>()]));
  await eventually(
    async () => {
      for (const [workload, seen] of serials) {
        seen.add((await proxyCertificate(mesh, workload)).join());
        assert(seen.size > ROTATION_COUNT, `${workload} has had ${seen.size} certificates`);
      }
    },
    { deadlineMs: 90_000 },
  );
  for (const each of [load, fresh]) {
    const { failures, byStatus, total } = await each.stop();
    assert.deepEqual(failures, []);
    assert.deepEqual(Object.keys(byStatus), ["200"]);
    assert(total > 100, `there was load: ${total} requests`);
  }
  const { tcp, grpc } = await streams.stop();
  assert.deepEqual([tcp.error, grpc.error], [undefined, undefined]);
  assert(tcp.count > 100 && grpc.count > 100, JSON.stringify({ tcp, grpc }));
});

test("SECRET_TTL of the mesh counts for all pods but those that say their own", { skip }, async () => {
  assert.equal(await lifetimeSeconds("echo"), MESH_TTL_SECONDS);
  assert.equal(await lifetimeSeconds("client-two"), OWN_TTL_SECONDS);
});

test("a rotation drains no listener and changes no cluster", { skip }, async () => {
  const changes = async () => {
    const counters = Object.entries(await proxyCounters(mesh, "client"));
    return counters.filter(([name]) => /(listener|cluster)_(modified|removed)|draining|rejected/.test(name));
  };
  const before = await changes();
  const [serial] = await proxyCertificate(mesh, "client");
  await eventually(async () => assert.notEqual((await proxyCertificate(mesh, "client"))[0], serial));
  assert.deepEqual(await changes(), before);
  assert(before.length > 3, "there are counters");
});
