// `meltemi down`: ends a running mesh in order; with --purge also removes its state and the cache.

import { rm } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import type { CommandContext, CommandInput } from "./command.ts";
import { flagOption } from "./command.ts";
import type { ExitCode } from "./exit-code.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";
import { meshToRun } from "./mesh-name.ts";
import { cacheDirectory, stateDirectory } from "./state-directory.ts";
import type { LockHolder } from "./state-lock.ts";
import { readLock } from "./state-lock.ts";

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
  for (const path of [directory, cacheDirectory(env)]) {
    await rm(path, { recursive: true, force: true });
    terminal.writeError(`removed ${path}\n`);
  }
  return exitCodes.done;
}

/** The front ends its mesh on SIGTERM as on Ctrl-C; it lets go of the lock last of all. */
async function stop(directory: string, { pid, startTime }: LockHolder): Promise<void> {
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
