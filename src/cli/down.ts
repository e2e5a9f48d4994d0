// `meltemi down`: ends a running mesh in order; with --purge also removes its state, and the cache unless another mesh
// runs from it.

import { rm } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { cacheUsers } from "./cache-use.ts";
import type { CommandContext, CommandInput } from "./command.ts";
import { flagOption } from "./command.ts";
import type { ExitCode } from "./exit-code.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";
import { meshToRun } from "./mesh-name.ts";
import type { MarkHolder } from "./process-mark.ts";
import { cacheDirectory, stateDirectory } from "./state-directory.ts";
import { readLock } from "./state-lock.ts";
import type { Terminal } from "./terminal.ts";

const GRACE_MS = 45_000;
const POLL_MS = 50;

export async function run(context: CommandContext, input: CommandInput): Promise<ExitCode> {
  const { terminal, env } = context;
  const name = meshToRun(env, input);
  const directory = stateDirectory(env, name);
  const holder = await readLock(directory);
  if (holder === undefined) terminal.writeError(`mesh "${name}" isn't running\n`);
  else {
    await stop(directory, holder);
    terminal.writeError(`mesh "${name}" has stopped\n`);
  }
  if (!flagOption(input, "purge")) return exitCodes.done;
  await remove(terminal, directory);
  await removeCache(terminal, cacheDirectory(env));
  return exitCodes.done;
}

/** All meshes share it: the last one takes it along. */
async function removeCache(terminal: Terminal, cache: string): Promise<void> {
  const users = await cacheUsers(cache);
  if (users.length === 0) return remove(terminal, cache);
  const names = users.map(({ note, pid }) => `"${note}" (process ${pid})`).join(", ");
  terminal.writeError(`kept ${cache}: in use by mesh ${names}\n`);
}

async function remove(terminal: Terminal, path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
  terminal.writeError(`removed ${path}\n`);
}

/** The front ends its mesh on SIGTERM as on Ctrl-C; it lets go of the lock last of all. */
async function stop(directory: string, { pid, startTime }: MarkHolder): Promise<void> {
  process.kill(pid, "SIGTERM");
  const isHeld = async () => (await readLock(directory))?.startTime === startTime;
  for (let waitedMs = 0; waitedMs < GRACE_MS; waitedMs += POLL_MS) {
    if (!(await isHeld())) return;
    await wait(POLL_MS);
  }
  throw new CommandFailure(
    exitCodes.environment,
    `Process ${pid} hasn't stopped its mesh within ${GRACE_MS / 1000} s`,
    `kill -9 ${pid}`,
  );
}
