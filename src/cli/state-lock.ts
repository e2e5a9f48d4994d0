// One mesh of a name at a time: a lock file that says which process holds the state directory.

import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { CommandFailure, exitCodes } from "./exit-code.ts";
import type { MarkHolder } from "./process-mark.ts";
import { readMark, writeMark } from "./process-mark.ts";

export interface StateLock {
  release(): Promise<void>;
}

const LOCK_FILE = "lock";
const ATTEMPTS = 3;

export async function lockState(directory: string, name: string): Promise<StateLock> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, LOCK_FILE);
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    if (await writeMark(path)) return { release: () => rm(path, { force: true }) };
    const holder = await readLock(directory);
    if (holder !== undefined) throw held(name, holder);
    await rm(path, { force: true });
  }
  throw new CommandFailure(
    exitCodes.environment,
    `Cannot lock mesh "${name}": another one is being started just now`,
  );
}

/** Who holds the mesh of this directory, if that process still lives. */
export function readLock(directory: string): Promise<MarkHolder | undefined> {
  return readMark(join(directory, LOCK_FILE));
}

function held(name: string, { pid }: MarkHolder): CommandFailure {
  const message = `Cannot start mesh "${name}": it is running already (process ${pid})`;
  return new CommandFailure(
    exitCodes.environment,
    message,
    "stop it: meltemi down; or choose another: --name NAME",
  );
}
