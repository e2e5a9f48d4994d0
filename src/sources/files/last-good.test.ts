import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { objectKey } from "../../core/object-key.ts";
import { lastGoodDirectory } from "./last-good.ts";
import type { LoadedObject, ObjectsByKey } from "./loaded-objects.ts";

const FILE = "a.yaml";

function loaded(labels: readonly string[]): ObjectsByKey {
  const objects = labels.map((label, index): LoadedObject => {
    const name = `n${index}`;
    return {
      key: objectKey({ kind: "Namespace", namespace: "", name }),
      object: { apiVersion: "v1", kind: "Namespace", metadata: { name, labels: { a: label } } },
      positions: { file: FILE, firstLine: 1 + 4 * index, root: [1, 1, { metadata: [3, 1] }] },
    };
  });
  return new Map(objects.map((object) => [object.key, object]));
}

async function emptyDirectory(context: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), `meltemi-last-good-${process.pid}-`));
  context.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

test("lastGoodDirectory() appends what an edit changed, and gives back all of it", async (context) => {
  const directory = await emptyDirectory(context);
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
  for (let edit = 0; edit < 500; edit += 1) await store.put(FILE, loaded(labels.with(7, String(edit))));
  assert.ok((await stat(path)).size < wholeBytes * 2.1, "it grows without end");
  assert.deepEqual(await store.get(FILE), loaded(labels.with(7, "499")));
});

test("lastGoodDirectory() appends the places of what moved, and gives it back there", async (context) => {
  const directory = await emptyDirectory(context);
  const store = lastGoodDirectory(directory);
  const before = loaded(Array.from({ length: 200 }, () => "same"));
  await store.put(FILE, before);
  const [name = ""] = await readdir(directory);
  const moved = new Map(
    [...before].map(([key, object]) => {
      const { firstLine = 1 } = object.positions;
      return [key, { ...object, positions: { ...object.positions, firstLine: firstLine + 3 } }];
    }),
  );
  await store.put(FILE, moved);
  const [, places = ""] = (await readFile(join(directory, name), "utf8")).split("\n");
  assert.ok(places.includes('"firstLine":4') && !places.includes('"object"'), places.slice(0, 200));
  assert.deepEqual(await lastGoodDirectory(directory).get(FILE), moved);
});

test("lastGoodDirectory() takes what isn't its own for nothing", async (context) => {
  const directory = await emptyDirectory(context);
  await lastGoodDirectory(directory).put(FILE, loaded(["a", "b"]));
  const [name = ""] = await readdir(directory);
  const path = join(directory, name);
  const whole = await readFile(path, "utf8");
  const garbage = [
    "",
    "{",
    "null\n",
    "[1]\n",
    "{}\n",
    '[{"key":"Namespace//a"}]\n',
    "\0\0\0",
    whole.slice(0, -9),
  ];
  for (const text of garbage) {
    await writeFile(path, text);
    const store = lastGoodDirectory(directory);
    assert.equal((await store.get(FILE)).size, 0, JSON.stringify(text));
    await store.put(FILE, loaded(["c"]));
    assert.deepEqual(await lastGoodDirectory(directory).get(FILE), loaded(["c"]), JSON.stringify(text));
  }
  await writeFile(path, `${whole}{"upserts":[]}\nnull\n`);
  assert.deepEqual(await lastGoodDirectory(directory).get(FILE), loaded(["a", "b"]));
});

test("lastGoodDirectory() goes on after a restart with what is there, and writes it again if its end is torn", async (context) => {
  const directory = await emptyDirectory(context);
  const labels = Array.from({ length: 200 }, () => "before");
  await lastGoodDirectory(directory).put(FILE, loaded(labels));
  const [name = ""] = await readdir(directory);
  const path = join(directory, name);
  const lineCount = async () => (await readFile(path, "utf8")).split("\n").length - 1;
  const second = lastGoodDirectory(directory);
  await second.get(FILE);
  await second.put(FILE, loaded(labels));
  assert.equal(await lineCount(), 1, "nothing is written where nothing changed");
  await second.put(FILE, loaded(labels.with(7, "after")));
  assert.equal(await lineCount(), 2, "an edit is a line more");
  await truncate(path, (await stat(path)).size - 3);
  const third = lastGoodDirectory(directory);
  await third.get(FILE);
  const last = loaded(labels.with(9, "last"));
  await third.put(FILE, last);
  assert.equal(await lineCount(), 1, "it is written as a whole");
  assert.deepEqual(await lastGoodDirectory(directory).get(FILE), last);
});
