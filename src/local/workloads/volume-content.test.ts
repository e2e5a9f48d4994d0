import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, readlink, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { buildTestPod, referencedObjects } from "../../../tests/support/pod-fixture.ts";
import type { Volume } from "../../kinds/pod/volume.ts";
import { machineFiles } from "./pod-files.ts";
import { resolveVolume } from "./volume-content.ts";
import { writeVolume } from "./volume-writer.ts";

const objects = referencedObjects({
  configMap: (namespace, name) =>
    name === "settings"
      ? {
          apiVersion: "v1",
          kind: "ConfigMap",
          metadata: { name, namespace },
          data: { "a.conf": "A", "b.conf": "B" },
          binaryData: { raw: "AAE=" },
        }
      : undefined,
});

function resolve(volume: Omit<Volume, "name">) {
  return resolveVolume(buildTestPod(), { name: "v", ...volume }, objects);
}

function textsOf(outcome: ReturnType<typeof resolve>): Record<string, unknown> {
  assert.equal(outcome.kind, "resolved", JSON.stringify(outcome));
  assert.equal(outcome.value.kind, "files");
  return Object.fromEntries(
    outcome.value.files.map(({ path, content, mode }) => [
      path,
      `${content instanceof Uint8Array ? Buffer.from(content).toString("latin1") : JSON.stringify(content)} ${mode.toString(8)}`,
    ]),
  );
}

test("resolveVolume() shows every key of a ConfigMap, binary ones too", () => {
  assert.deepEqual(textsOf(resolve({ configMap: { name: "settings" } })), {
    "a.conf": "A 644",
    "b.conf": "B 644",
    raw: "\u0000\u0001 644",
  });
});

test("resolveVolume() takes items with their paths and modes", () => {
  const configMap = {
    name: "settings",
    defaultMode: 0o440,
    items: [
      { key: "a.conf", path: "dir/a" },
      { key: "b.conf", path: "b", mode: 0o600 },
    ],
  };
  assert.deepEqual(textsOf(resolve({ configMap })), { "dir/a": "A 440", b: "B 600" });
});

test("resolveVolume() projects several sources into one directory", () => {
  const sources = [
    { configMap: { name: "settings", items: [{ key: "a.conf", path: "a" }] } },
    { downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }] } },
    { serviceAccountToken: { path: "token", audience: "istio-ca", expirationSeconds: 600 } },
  ];
  assert.deepEqual(textsOf(resolve({ projected: { sources } })), {
    a: "A 644",
    labels: 'app="reviews" 644',
    token: '{"audience":"istio-ca","ttlSeconds":600} 644',
  });
});

test("resolveVolume() refuses what is missing, escapes or isn't available", () => {
  const cases: readonly [Omit<Volume, "name">, string][] = [
    [{ configMap: { name: "none" } }, "MLT3103"],
    [{ configMap: { name: "settings", items: [{ key: "none", path: "x" }] } }, "MLT3103"],
    [{ configMap: { name: "settings", items: [{ key: "a.conf", path: "../x" }] } }, "MLT3105"],
    [{ nfs: { server: "a", path: "/" } }, "MLT3104"],
  ];
  for (const [volume, code] of cases) {
    const outcome = resolve(volume);
    assert.equal(outcome.kind === "unresolved" && outcome.problem.code, code);
  }
  assert.deepEqual(textsOf(resolve({ configMap: { name: "none", optional: true } })), {});
});

test("writeVolume() swaps all files at once through ..data and drops what is gone", async (context) => {
  const directory = await mkdtemp(join(tmpdir(), "meltemi-volume-"));
  context.after(() => rm(directory, { recursive: true }));
  const file = (path: string, text: string) => ({ path, mode: 0o640, content: Buffer.from(text) });
  const write = (...files: ReturnType<typeof file>[]) => writeVolume(directory, files, machineFiles);

  assert.equal(await write(file("a", "1"), file("dir/b", "1")), true);
  const first = await readlink(join(directory, "..data"));
  assert.equal(await readFile(join(directory, "dir/b"), "utf8"), "1");
  assert.equal((await stat(join(directory, "a"))).mode & 0o777, 0o640);

  assert.equal(await write(file("a", "1"), file("dir/b", "1")), false);
  assert.equal(await write(file("a", "2")), true);
  assert.notEqual(await readlink(join(directory, "..data")), first);
  assert.equal(await readFile(join(directory, "a"), "utf8"), "2");
  assert.deepEqual(
    (await readdir(directory)).filter((name) => !name.startsWith("..")),
    ["a"],
  );
  assert.equal((await readdir(directory)).includes(first), false);
});
