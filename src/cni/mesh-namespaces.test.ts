import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { ManualClock } from "../core/clock.ts";
import { silentLogger } from "../core/logger.ts";
import type { ApiClient } from "../kubernetes/api-client.ts";
import { startMeshNamespaces } from "./mesh-namespaces.ts";

const labels = { "istio-injection": "enabled" };

const items = [
  { metadata: { name: "shop", labels } },
  { metadata: { name: "bank" } },
  { metadata: { name: "kube-system", labels } },
  { metadata: { name: "audit", labels } },
];

function clientOf(request: ApiClient["request"]): ApiClient {
  const open = () => Promise.reject(new Error("nothing to watch"));
  return { request, open, close: () => undefined };
}

const answering = clientOf(async () => ({ items }));
const silent = clientOf(() => Promise.reject(new Error("no route to the API server")));

async function directoryOf(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "mlt-cni-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

async function start(t: TestContext, directory: string, client: ApiClient) {
  const path = join(directory, "mesh-namespaces");
  const excludedNamespaces = ["kube-system"];
  const clock = new ManualClock(1_700_000_000_000);
  const options = { client, path, excludedNamespaces, clock, log: silentLogger };
  const namespaces = await startMeshNamespaces(options);
  t.after(() => namespaces.close());
  return { namespaces, path, clock };
}

test("startMeshNamespaces() lists those that ask for injection, without the excluded", async (t) => {
  const { namespaces, path } = await start(t, await directoryOf(t), answering);
  await namespaces.refresh();
  assert.equal(await readFile(path, "utf8"), "audit\nshop\n");
  assert.deepEqual(["shop", "bank", "kube-system"].map(namespaces.has), [true, false, false]);
});

test("startMeshNamespaces() knows what its predecessor knew where nobody can be asked", async (t) => {
  const directory = await directoryOf(t);
  const first = await start(t, directory, answering);
  await first.namespaces.refresh();
  const { namespaces } = await start(t, directory, silent);
  await assert.rejects(namespaces.refresh(), /no route/);
  assert.ok(namespaces.has("shop"));
});

test("startMeshNamespaces() keeps the file young, also where nobody can be asked", async (t) => {
  const directory = await directoryOf(t);
  const path = join(directory, "mesh-namespaces");
  await writeFile(path, "shop\n");
  await utimes(path, 0, 0);
  const { clock } = await start(t, directory, silent);
  for (const deadlineMs = Date.now() + 20_000; (await stat(path)).mtimeMs !== clock.now(); ) {
    assert.ok(Date.now() < deadlineMs, "it stayed old");
    await new Promise((resolve) => setImmediate(resolve));
  }
});

test("remove() leaves nothing behind", async (t) => {
  const directory = await directoryOf(t);
  const { namespaces } = await start(t, directory, answering);
  await namespaces.refresh();
  await namespaces.remove();
  assert.deepEqual(await readdir(directory), []);
});
