import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { lockState, readLock } from "./state-lock.ts";

async function directoryFor(context: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "meltemi-lock-"));
  context.after(() => rm(directory, { recursive: true }));
  return directory;
}

test("lockState() refuses a second mesh of the name and says how to stop the first", async (context) => {
  const directory = await directoryFor(context);
  await lockState(directory, "default");
  await assert.rejects(lockState(directory, "default"), {
    exitCode: 3,
    message: `Cannot start mesh "default": it is running already (process ${process.pid})`,
  });
});

test("lockState() can be had again after release()", async (context) => {
  const directory = await directoryFor(context);
  const lock = await lockState(directory, "default");
  await lock.release();
  assert.equal(await readLock(directory), undefined);
  await lockState(directory, "default");
});

test("lockState() takes over from a holder that is gone", async (context) => {
  const directory = await directoryFor(context);
  // This pid lives, but the start time is another process's: the pid was given out again.
  await writeFile(join(directory, "lock"), `${process.pid} 1\n`);
  await lockState(directory, "default");
  assert.equal((await readLock(directory))?.pid, process.pid);
});
