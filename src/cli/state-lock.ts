// One mesh of a name at a time: a lock file with the pid and start time of who holds it. A holder that is gone,
// or a pid that another program has got since, holds nothing.

import { mkdir, open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { CommandFailure, exitCodes } from "./exit-code.ts";
import { DEFAULT_MESH_NAME } from "./state-directory.ts";

export interface StateLock {
  release(): Promise<void>;
}

export interface LockHolder {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: with the pid, it names one process of this boot. */
  readonly startTime: string;
}

const LOCK_FILE = "lock";
const ATTEMPTS = 3;

export async function lockState(directory: string, name: string): Promise<StateLock> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, LOCK_FILE);
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    if (await tryLock(path)) return { release: () => rm(path, { force: true }) };
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
export async function readLock(directory: string): Promise<LockHolder | undefined> {
  try {
    const [pid = "", startTime = ""] = (await readFile(join(directory, LOCK_FILE), "utf8")).trim().split(" ");
    const isAlive = startTime !== "" && (await startTimeOf(Number(pid))) === startTime;
    return isAlive ? { pid: Number(pid), startTime } : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function tryLock(path: string): Promise<boolean> {
  const startTime = await startTimeOf(process.pid);
  try {
    const file = await open(path, "wx", 0o600);
    await file.writeFile(`${process.pid} ${startTime ?? "0"}\n`);
    await file.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

async function startTimeOf(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    // The command's name is in parentheses and may hold spaces, so fields are counted behind it.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" || state === "X" ? undefined : fields[18]; // A zombie holds nothing.
  } catch {
    return undefined; // No such process.
  }
}

function held(name: string, { pid }: LockHolder): CommandFailure {
  const message = `Cannot start mesh "${name}": it is running already (process ${pid})`;
  const stop = name === DEFAULT_MESH_NAME ? "meltemi down" : `meltemi down --mesh ${name}`;
  return new CommandFailure(
    exitCodes.environment,
    message,
    `stop it: ${stop}; or choose another name: --mesh NAME`,
  );
}
