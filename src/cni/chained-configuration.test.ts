import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { silentLogger } from "../core/logger.ts";
import { openChainedConfiguration } from "./chained-configuration.ts";

const plugin = { type: "meltemi-cni", socket: "/run/cni.sock", meshNamespacesFile: "/lib/namespaces" };
const network = { cniVersion: "1.0.0", name: "pods", plugins: [{ type: "bridge" }] };

async function netDirectory(t: TestContext, files: Readonly<Record<string, unknown>>) {
  const directory = await mkdtemp(join(tmpdir(), "mlt-cni-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const write = (name: string, content: unknown) => writeFile(join(directory, name), JSON.stringify(content));
  for (const [name, content] of Object.entries(files)) await write(name, content);
  const typesIn = async (name: string) => {
    const { plugins } = JSON.parse(await readFile(join(directory, name), "utf8"));
    return plugins.map(({ type }: { type: string }) => type);
  };
  return { directory, write, typesIn };
}

async function eventually(isTrue: () => Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + 20_000;
  while (!(await isTrue().catch(() => false))) {
    assert.ok(Date.now() < deadlineMs, "it never came true");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test("openChainedConfiguration() chains into the first network alone", async (t) => {
  const files = { "10-a.conflist": network, "20-b.conflist": network, "00-notes.txt": {} };
  const { directory, typesIn } = await netDirectory(t, files);
  const chained = await openChainedConfiguration({ directory, plugin, log: silentLogger });
  t.after(() => chained.close());
  assert.deepEqual(await typesIn("10-a.conflist"), ["bridge", "meltemi-cni"]);
  assert.deepEqual(await typesIn("20-b.conflist"), ["bridge"]);
  assert.ok(chained.isInstalled);
});

test("openChainedConfiguration() turns a single plugin's file into a list", async (t) => {
  const { directory, typesIn } = await netDirectory(t, { "10-a.conf": { name: "pods", type: "bridge" } });
  const chained = await openChainedConfiguration({ directory, plugin, log: silentLogger });
  t.after(() => chained.close());
  assert.deepEqual(await readdir(directory), ["10-a.conflist"]);
  assert.deepEqual(await typesIn("10-a.conflist"), ["bridge", "meltemi-cni"]);
});

test("openChainedConfiguration() waits for a network, and chains again after its owner wrote it", async (t) => {
  const { directory, write, typesIn } = await netDirectory(t, {});
  const chained = await openChainedConfiguration({ directory, plugin, log: silentLogger });
  t.after(() => chained.close());
  assert.ok(!chained.isInstalled);
  for (const first of ["bridge", "ptp"]) {
    await write("10-a.conflist", { ...network, plugins: [{ type: first }] });
    await eventually(async () => (await typesIn("10-a.conflist")).join() === `${first},meltemi-cni`);
  }
});

test("close() leaves the plugin in for a successor", async (t) => {
  const { directory, typesIn } = await netDirectory(t, { "10-a.conflist": network });
  const chained = await openChainedConfiguration({ directory, plugin, log: silentLogger });
  await chained.close();
  assert.deepEqual(await typesIn("10-a.conflist"), ["bridge", "meltemi-cni"]);
});

test("openChainedConfiguration() chains again where the owner writes a single plugin's file beside the list", async (t) => {
  const single = { name: "pods", type: "bridge" };
  const { directory, write, typesIn } = await netDirectory(t, { "10-a.conf": single });
  const chained = await openChainedConfiguration({ directory, plugin, log: silentLogger });
  t.after(() => chained.close());
  await write("10-a.conf", { ...single, type: "ptp" });
  await eventually(async () => (await typesIn("10-a.conflist")).join() === "ptp,meltemi-cni");
  await eventually(async () => (await readdir(directory)).join() === "10-a.conflist");
});

const networks = [
  { name: "10-a.conflist", network },
  { name: "10-a.conf", network: { cniVersion: "1.0.0", name: "pods", type: "bridge" } },
];

for (const { name, network: before } of networks) {
  test(`uninstall() leaves ${name} as it was`, async (t) => {
    const { directory } = await netDirectory(t, { [name]: before });
    const chained = await openChainedConfiguration({ directory, plugin, log: silentLogger });
    await chained.uninstall();
    assert.deepEqual(await readdir(directory), [name]);
    assert.deepEqual(JSON.parse(await readFile(join(directory, name), "utf8")), before);
  });
}
