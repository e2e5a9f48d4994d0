// Where a mesh of a name keeps its state and its sockets, and where Meltemi keeps what it fetched.

import { mkdir, rm, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { describeFileFault } from "../core/file-fault.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export const DEFAULT_MESH_NAME = "default";

/** `$MELTEMI_STATE_DIR`, else `$XDG_STATE_HOME/meltemi/NAME`. */
export function stateDirectory(env: Environment, name: string): string {
  if (!/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/.test(name)) {
    const wanted = "1 to 32 lower-case letters, digits and dashes";
    throw new CommandFailure(exitCodes.usage, `Cannot name a mesh "${name}": wanted ${wanted}`);
  }
  const own = env.MELTEMI_STATE_DIR;
  if (own !== undefined && own !== "") return own;
  return join(meshesDirectory(env), name);
}

/** `$XDG_STATE_HOME/meltemi`, which holds the state of all meshes that have none of their own. */
export function meshesDirectory(env: Environment): string {
  return join(homeOf(env, "XDG_STATE_HOME", ".local/state"), "meltemi");
}

// sun_path of Linux holds 107 bytes and a zero, and this is the longest of the sockets' names.
const MAX_BYTES = 107 - "/control-plane.sock".length;
/** What a mesh keeps there, each in a directory; `run` is where its root is mounted. */
const PARTS = ["run", "logs", "volumes"] as const;
const PROBE_BYTES = 4_096;

/** Makes it, and tries by writing that it can be used; a CommandFailure otherwise. */
export async function prepareStateDirectory(directory: string): Promise<void> {
  const byteCount = Buffer.byteLength(directory);
  if (byteCount > MAX_BYTES) {
    throw unusable(directory, `its path has ${byteCount} bytes, and ${MAX_BYTES} leave room for sockets`);
  }
  const probe = join(directory, `.probe-${process.pid}`);
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    for (const part of PARTS) await makeDirectory(join(directory, part));
    await writeFile(probe, Buffer.alloc(PROBE_BYTES), { mode: 0o600 });
  } catch (error) {
    throw unusableState(directory, error);
  } finally {
    await rm(probe, { force: true }).catch(() => undefined);
  }
}

// Node's own way to make what may be there says ENOENT where the file system is read-only.
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o755 });
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === "EEXIST" && (await stat(path)).isDirectory();
    if (!isThere) throw error;
  }
}

/** For an error of the file system, met in the state directory. */
export function unusableState(directory: string, error: unknown): CommandFailure {
  if (error instanceof CommandFailure) return error;
  return unusable(directory, describeFileFault(error) ?? String(error));
}

function unusable(directory: string, reason: string): CommandFailure {
  return new CommandFailure(
    exitCodes.environment,
    `Cannot use state directory "${directory}": ${reason}`,
    "choose another: MELTEMI_STATE_DIR=DIRECTORY",
  );
}

/** `$XDG_CACHE_HOME/meltemi`. */
export function cacheDirectory(env: Environment): string {
  return join(homeOf(env, "XDG_CACHE_HOME", ".cache"), "meltemi");
}

function homeOf(env: Environment, variable: string, otherwise: string): string {
  const set = env[variable];
  return set !== undefined && set !== "" ? set : join(env.HOME || homedir(), otherwise);
}
