import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { TestApiServer } from "../../tests/support/api-server.ts";
import { ManualClock, systemClock } from "../core/clock.ts";
import { silentLogger } from "../core/logger.ts";
import type { ApiClient } from "../kubernetes/api-client.ts";
import { createApiClient } from "../kubernetes/api-client.ts";
import { startMeshNamespaces } from "./mesh-namespaces.ts";

const NAMESPACES = "/api/v1/namespaces";

/** One that has three of the mesh's namespaces, of which one is excluded. */
async function startServer(t: TestContext) {
  const server = new TestApiServer();
  server.define(NAMESPACES);
  const put = (name: string, injection?: string) => {
    const labels = injection === undefined ? {} : { "istio-injection": injection };
    server.put(NAMESPACES, { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } });
  };
  put("bank");
  for (const name of ["shop", "kube-system", "audit"]) put(name, "enabled");
  await server.start();
  t.after(() => server.stop());
  const client = createApiClient(server.endpoint(), { clock: systemClock, userAgent: "test" });
  t.after(() => client.close());
  return { put, client };
}

const silent: ApiClient = {
  request: () => Promise.reject(new Error("no route to the API server")),
  open: () => Promise.reject(new Error("no route to the API server")),
  close: () => undefined,
};

async function fileIn(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "mlt-cni-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return join(directory, "mesh-namespaces");
}

async function start(t: TestContext, path: string, client: ApiClient, clock = systemClock) {
  const options = { client, path, excludedNamespaces: ["kube-system"], clock, log: silentLogger };
  const namespaces = await startMeshNamespaces(options);
  t.after(() => namespaces.close());
  return namespaces;
}

async function untilItSays(path: string, wanted: string): Promise<void> {
  for (const deadlineMs = Date.now() + 20_000; ; await new Promise((resolve) => setTimeout(resolve, 10))) {
    const text = await readFile(path, "utf8").catch(() => undefined);
    if (text === wanted) return;
    assert.ok(Date.now() < deadlineMs, `it says ${JSON.stringify(text)}`);
  }
}

test("startMeshNamespaces() lists those that ask for injection, without the excluded", async (t) => {
  const path = await fileIn(t);
  const { client } = await startServer(t);
  const namespaces = await start(t, path, client);
  await untilItSays(path, "audit\nshop\n");
  assert.deepEqual(["shop", "bank", "kube-system"].map(namespaces.has), [true, false, false]);
});

test("startMeshNamespaces() hears of a label that comes or goes", async (t) => {
  const path = await fileIn(t);
  const { client, put } = await startServer(t);
  await start(t, path, client);
  await untilItSays(path, "audit\nshop\n");
  put("bank", "enabled");
  await untilItSays(path, "audit\nbank\nshop\n");
  put("audit", "disabled");
  await untilItSays(path, "bank\nshop\n");
});

test("startMeshNamespaces() knows what its predecessor knew where nobody can be asked", async (t) => {
  const path = await fileIn(t);
  await writeFile(path, "audit\nshop\n");
  const namespaces = await start(t, path, silent);
  assert.deepEqual(["shop", "bank"].map(namespaces.has), [true, false]);
});

test("startMeshNamespaces() keeps the file young, also where nobody can be asked", async (t) => {
  const path = await fileIn(t);
  await writeFile(path, "shop\n");
  await utimes(path, 0, 0);
  const clock = new ManualClock(1_700_000_000_000);
  await start(t, path, silent, clock);
  for (const deadlineMs = Date.now() + 20_000; (await stat(path)).mtimeMs !== clock.now(); ) {
    assert.ok(Date.now() < deadlineMs, "it stayed old");
    await new Promise((resolve) => setImmediate(resolve));
  }
});

test("close() leaves the file for a successor, remove() doesn't", async (t) => {
  const path = await fileIn(t);
  const { client } = await startServer(t);
  const namespaces = await start(t, path, client);
  await untilItSays(path, "audit\nshop\n");
  await namespaces.close();
  assert.deepEqual(await readdir(join(path, "..")), ["mesh-namespaces"]);
  await namespaces.remove();
  assert.deepEqual(await readdir(join(path, "..")), []);
});
