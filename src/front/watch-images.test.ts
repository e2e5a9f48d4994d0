import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { ImagesFile } from "../local/workloads/image-command.ts";
import { watchImages } from "./watch-images.ts";

async function directoryFor(context: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "meltemi-images-"));
  context.after(() => rm(directory, { recursive: true }));
  return directory;
}

test("watchImages() finds the files in and below a directory, and beside a file", async (context) => {
  const directory = await directoryFor(context);
  await mkdir(join(directory, "below"));
  await writeFile(join(directory, "app.yaml"), "");
  await writeFile(join(directory, "images.yaml"), "a: [x]");
  await writeFile(join(directory, "below/images.yml"), "b: [y]");
  const textsOf = async (path: string) => {
    const found: ImagesFile[] = [];
    const watch = await watchImages([path], (files) => found.push(...files));
    await watch.close();
    return found.map(({ text }) => text).sort();
  };
  assert.deepEqual(await textsOf(directory), ["a: [x]", "b: [y]"]);
  assert.deepEqual(await textsOf(join(directory, "app.yaml")), ["a: [x]"]);
});

test("watchImages() tells of a file that is changed", async (context) => {
  const directory = await directoryFor(context);
  const changes = new EventTarget();
  const seen: string[] = [];
  const watch = await watchImages([directory], (files) => {
    seen.push(files.map(({ text }) => text).join());
    if (files.length > 0) changes.dispatchEvent(new Event("file"));
  });
  context.after(() => watch.close());
  const changed = once(changes, "file", { signal: AbortSignal.timeout(20_000) });
  await writeFile(join(directory, "images.yaml"), "a: [x]");
  await changed;
  assert.equal(seen[0], "");
});
