import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import type { Socket } from "node:net";
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

test("lockState() takes over from a killed holder that nobody has waited for", async (context) => {
  const directory = await directoryFor(context);
  // The shell becomes a sleep, which never waits for its child: that stays a zombie. It ends only then, as a shell does wait.
  const parent = spawn("sh", ["-c", "cat <&3 >&3 & echo $!; exec sleep 60"], {
    stdio: ["ignore", "pipe", "ignore", "pipe"],
  });
  context.after(() => parent.kill());
  assert.ok(parent.stdout !== null);
  const [chunk] = (await once(parent.stdout, "data")) as [Buffer];
  const pid = Number(chunk.toString("utf8"));
  await statWith(parent.pid ?? 0, "(sleep)");
  (parent.stdio[3] as Socket).end();
  const stat = await statWith(pid, ") Z ");
  const startTime = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  await writeFile(join(directory, "lock"), `${pid} ${startTime}\n`);
  assert.equal(await readLock(directory), undefined);
});

async function statWith(pid: number, wanted: string): Promise<string> {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; ) {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    if (stat.includes(wanted)) return stat;
  }
  throw new Error(`Process ${pid} isn't seen as "${wanted}"`);
}

test("lockState() takes over from a holder that is gone", async (context) => {
  const directory = await directoryFor(context);
  // This pid lives, but the start time is another process's: the pid was given out again.
  await writeFile(join(directory, "lock"), `${process.pid} 1\n`);
  await lockState(directory, "default");
  assert.equal((await readLock(directory))?.pid, process.pid);
});
