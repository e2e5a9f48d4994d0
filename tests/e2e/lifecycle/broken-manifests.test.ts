// Issue 3, item 5: a broken manifest gives a Problem with file and line, and nothing else changes: no resource of
// any Envoy, no request. When it is mended, the Problem goes.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { weightedRoutes } from "../mesh/echo-routes.ts";
import { eventually } from "../mesh/eventually.ts";
import type { Load, PodClient } from "../mesh/pod-client.ts";
import type { RunningMesh } from "../mesh/running-mesh.ts";
import { skipWithoutMesh as skip, startMesh } from "../mesh/running-mesh.ts";
import type { BrokenFile } from "./broken-files.ts";
import { danglingFiles, goodFile, unreadableFiles, wrongCompanions } from "./broken-files.ts";
import { killInside, pidOf } from "./mesh-processes.ts";
import { proxyConfig, proxyCounters } from "./proxy-state.ts";

const FILE = "victim-route.yaml";
const WORKLOADS = ["client", "echo-v1"];

const victim = `
apiVersion: v1
kind: Service
metadata: {name: victim, namespace: test}
spec:
  selector: {app: echo}
  ports: [{name: http, port: 80, targetPort: 8080}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: victim, namespace: test}
spec:
  host: victim
  subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]
`;

let mesh: RunningMesh;
let client: PodClient;

before(
  async () => {
    if (skip !== false) return;
    mesh = await startMesh({ files: { "victim.yaml": victim, [FILE]: goodFile } });
    client = await mesh.client("client");
  },
  { timeout: 120_000 },
);
after(() => mesh?.close());

/** Saves it, and waits until it is told of; `file` is the one that is broken. */
async function assertTold({ how, content, code, line, says }: BrokenFile, file: string): Promise<void> {
  const from = mesh.output().length;
  await save(file, content);
  await eventually(
    () => {
      const lines = mesh.output().slice(from).split("\n");
      const told = lines.filter((each) => !isOfResolution(each) && isOf(each, { file, code }));
      const place = line === undefined ? /:\d+:\d+: / : new RegExp(`:${line}:\\d+: `);
      const isTold = told.some((each) => place.test(each) && (says?.test(each) ?? true));
      assert(isTold, `${how}: wanted ${code} at line ${line ?? "any"}, found:\n${lines.join("\n")}`);
    },
    { deadlineMs: 10_000 },
  );
}

/** Mends it, and waits until it is told that the problem is gone. */
async function assertResolved(
  { how, code }: BrokenFile,
  file: string,
  mend: () => Promise<void>,
): Promise<void> {
  const from = mesh.output().length;
  await mend();
  await eventually(() => {
    const lines = mesh.output().slice(from).split("\n");
    const isResolved = lines.some((each) => isOfResolution(each) && isOf(each, { file, code }));
    assert(isResolved, `${how}: wanted ${code} resolved, found:\n${lines.join("\n")}`);
  });
}

function isOfResolution(line: string): boolean {
  return line.startsWith("resolved: ");
}

function isOf(line: string, { file, code }: { readonly file: string; readonly code: string }): boolean {
  return line.includes(`${file}:`) && line.includes(` ${code}`);
}

function save(file: string, content: string | Uint8Array): Promise<void> {
  return writeFile(join(mesh.configDirectory, file), content);
}

/** A change of any of these is one that something reached Envoy with. */
async function whatProxiesHave() {
  return Promise.all(
    WORKLOADS.map(async (workload) => ({
      config: await proxyConfig(mesh, workload),
      counters: await proxyCounters(mesh, workload),
    })),
  );
}

async function assertGoodInForce(): Promise<void> {
  const { headers, status } = await client.request("http://victim/");
  assert.deepEqual(
    { status, edit: headers["x-edit"], version: headers["x-version"] },
    { status: 200, edit: "good", version: "v1" },
  );
}

async function assertNoneFailed(load: Load): Promise<void> {
  const { failures, total } = await load.stop();
  assert.deepEqual(failures, []);
  assert(total > 20, `there was load: ${total} requests`);
}

test(`a file broken in ${unreadableFiles.length} ways: each is told, the last good one stays in force`, {
  skip,
  timeout: 180_000,
}, async () => {
  await mesh.waitUntilInStep();
  await assertGoodInForce();
  const before = await whatProxiesHave();
  const load = await client.load({ url: "http://victim/", connections: 3, pauseMs: 10 });
  for (const broken of unreadableFiles) {
    await assertTold(broken, FILE);
    await assertGoodInForce();
    await assertResolved(broken, FILE, () => save(FILE, goodFile));
  }
  await assertNoneFailed(load);
  assert.deepEqual(await whatProxiesHave(), before, "nothing ever reached an Envoy");
});

test(`files wrong in ${wrongCompanions.length} ways beside good ones: each is told, the good ones stay`, {
  skip,
}, async () => {
  const load = await client.load({ url: "http://victim/", connections: 3, pauseMs: 10 });
  for (const broken of wrongCompanions) {
    await assertTold(broken, "companion.yaml");
    await assertGoodInForce();
    await assertResolved(broken, "companion.yaml", () => mesh.remove("companion.yaml"));
  }
  await assertNoneFailed(load);
});

test(`references that lead nowhere, in ${danglingFiles.length} ways: each is told, other hosts don't notice`, {
  skip,
}, async () => {
  const load = await client.load({ url: "http://echo/", connections: 3, pauseMs: 10 });
  const others = async () => {
    const resources = Object.entries(await proxyConfig(mesh, "client"));
    return resources.filter(([name]) => !name.startsWith("dynamic_route_configs"));
  };
  await mesh.waitUntilInStep();
  const before = await others();
  for (const broken of danglingFiles) {
    await assertTold(broken, FILE);
    await mesh.waitUntilInStep();
    assert.deepEqual(await others(), before);
    await assertResolved(broken, FILE, () => save(FILE, goodFile));
    await eventually(assertGoodInForce);
  }
  await assertNoneFailed(load);
});

// JavaScript, which checks patterns as they are read, takes a class of characters that RE2 in Envoy doesn't know.
const refusedByEnvoy: BrokenFile = {
  how: "a pattern that only Envoy refuses",
  content: goodFile.replace("  - name: only", `  - match: [{uri: {regex: '/\\p{Nonsense}+'}}]`),
  code: "MLT4101",
  line: 7,
  says: /invalid character class range/,
};

test("what only Envoy refuses is told with file and line; what was before stays, and others' edits go on", {
  skip,
}, async () => {
  const load = await client.load({ url: "http://victim/", connections: 3, pauseMs: 10 });
  await assertTold(refusedByEnvoy, FILE);
  for (const { name, nacks } of await mesh.proxies()) {
    const [refusal, ...others] = nacks;
    assert.deepEqual(
      { type: refusal?.type, object: refusal?.object, others },
      { type: "rds", object: "VirtualService test/victim", others: [] },
      `${name}, whether it refused it itself or wasn't offered it then`,
    );
    assert.match(refusal?.location ?? "", new RegExp(`${FILE}:7:`));
  }
  await assertGoodInForce();
  for (const edit of ["one", "two"]) {
    // A route of the table that Envoy refused.
    await mesh.save("echo-route.yaml", weightedRoutes({ v1: 100 }, { edit }));
    await eventually(async () => {
      const { headers } = await client.request("http://echo/");
      assert.equal(headers["x-edit"], edit);
    });
    await assertGoodInForce();
  }
  await mesh.remove("echo-route.yaml");
  // What is resolved next is so by the mending alone.
  await eventually(async () =>
    assert.equal((await client.request("http://echo/")).headers["x-edit"], undefined),
  );
  await assertResolved(refusedByEnvoy, FILE, () => save(FILE, goodFile));
  await mesh.waitUntilInStep();
  await assertGoodInForce();
  await assertNoneFailed(load);
});

test("what Envoy refuses is told at its new line when lines above it move it", { skip }, async () => {
  const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: above, namespace: test}\n---\n";
  const below = (lines: number, content = refusedByEnvoy.content) =>
    `${"# A line more\n".repeat(lines)}${configMap}${content}`;
  const lineBelow = (lines: number) => lines + 4 + (refusedByEnvoy.line ?? 0);
  await assertTold({ ...refusedByEnvoy, content: below(0), line: lineBelow(0) }, FILE);
  await save(FILE, below(3));
  await eventually(async () => {
    const [proxy] = await mesh.proxies();
    assert.match(proxy?.nacks[0]?.location ?? "", new RegExp(`${FILE}:${lineBelow(3)}:`));
  });
  const from = mesh.output().length;
  await assertResolved(refusedByEnvoy, FILE, () => save(FILE, below(3, goodFile)));
  assert.match(mesh.output().slice(from), new RegExp(`resolved: .*${FILE}:${lineBelow(3)}:`));
  await save(FILE, goodFile);
  await mesh.waitUntilInStep();
});

test("what only Envoy refuses is told when other route tables change with it, and these changes go on", {
  skip,
}, async () => {
  // Of all ports of echo; one batch with what follows at once.
  await mesh.save("echo-route.yaml", weightedRoutes({ v1: 100 }, { edit: "beside" }));
  await assertTold(refusedByEnvoy, FILE);
  await eventually(async () => {
    for (const url of ["http://echo/", "http://echo:9090/"]) {
      const { headers } = await client.request(url);
      assert.equal(headers["x-edit"], "beside", url);
    }
  });
  await assertGoodInForce();
  await mesh.remove("echo-route.yaml");
  await assertResolved(refusedByEnvoy, FILE, () => save(FILE, goodFile));
  await mesh.waitUntilInStep();
});

test("a control plane that is killed while Envoy refuses something comes to the same verdict, and hears it mended", {
  skip,
}, async () => {
  await assertTold(refusedByEnvoy, FILE);
  const refusals = async () => (await mesh.proxies()).map(({ name, nacks }) => ({ name, nacks }));
  const before = await refusals();
  const pid = await pidOf(mesh, "control plane");
  await killInside(mesh, pid);
  await eventually(async () => {
    assert.notEqual(await pidOf(mesh, "control plane"), pid);
    assert.deepEqual(await refusals(), before);
  });
  await assertResolved(refusedByEnvoy, FILE, () => save(FILE, goodFile));
  await mesh.waitUntilInStep();
  await eventually(assertGoodInForce);
});

test("what is mended while the control plane is gone is resolved when it is back", { skip }, async () => {
  await assertTold(refusedByEnvoy, FILE);
  await killInside(mesh, await pidOf(mesh, "control plane"));
  await assertResolved(refusedByEnvoy, FILE, () => save(FILE, goodFile));
  await mesh.waitUntilInStep();
  await assertGoodInForce();
});
