// Where a mesh of a name keeps its state and its sockets, and where Meltemi keeps what it fetched.

import { homedir } from "node:os";
import { join } from "node:path";
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

/** `$XDG_CACHE_HOME/meltemi`. */
export function cacheDirectory(env: Environment): string {
  return join(homeOf(env, "XDG_CACHE_HOME", ".cache"), "meltemi");
}

function homeOf(env: Environment, variable: string, otherwise: string): string {
  const set = env[variable];
  return set !== undefined && set !== "" ? set : join(env.HOME || homedir(), otherwise);
}
