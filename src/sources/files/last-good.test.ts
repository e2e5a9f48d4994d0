import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { objectKey } from "../../core/object-key.ts";
import { lastGoodDirectory } from "./last-good.ts";
import type { LoadedObject } from "./manifest.ts";

const FILE = "a.yaml";

function loaded(labels: readonly string[]): readonly LoadedObject[] {
  return labels.map((label, index) => ({
    key: objectKey({ kind: "Namespace", namespace: "", name: `n${index}` }),
    object: {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: `n${index}`, labels: { a: label } },
    },
    positions: { file: FILE, firstLine: 1 + 4 * index, root: [1, 1, { metadata: [3, 1] }] },
  }));
}

test("lastGoodDirectory() appends what an edit changed, and gives back all of it", async (context) => {
  const directory = await mkdtemp(join(tmpdir(), `meltemi-last-good-${process.pid}-`));
  context.after(() => rm(directory, { recursive: true, force: true }));
  const store = lastGoodDirectory(directory);
  const labels = Array.from({ length: 200 }, () => "before");
  await store.put(FILE, loaded(labels));
  const [name = ""] = await readdir(directory);
  const path = join(directory, name);
  const wholeBytes = (await stat(path)).size;
  await store.put(FILE, loaded(labels.with(7, "after")));
  assert.ok((await stat(path)).size < wholeBytes * 1.1);
  assert.deepEqual(await lastGoodDirectory(directory).get(FILE), loaded(labels.with(7, "after")));
  await store.put(FILE, loaded(labels.slice(0, 199)));
  assert.deepEqual(await lastGoodDirectory(directory).get(FILE), loaded(labels.slice(0, 199)));
  // As a process leaves it that ended while it wrote.
  await truncate(path, (await stat(path)).size - 3);
  assert.deepEqual(await lastGoodDirectory(directory).get(FILE), loaded(labels.with(7, "after")));
  for (let edit = 0; edit < 300; edit += 1) await store.put(FILE, loaded(labels.with(7, String(edit))));
  assert.ok((await readFile(path, "utf8")).split("\n").length < 110, "it grows without end");
  assert.deepEqual(await store.get(FILE), loaded(labels.with(7, "299")));
});
