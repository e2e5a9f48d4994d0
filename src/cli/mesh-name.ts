// The name of a mesh of this machine, as flags and the environment give it.

import { type CommandInput, textOption } from "./command.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";
import { DEFAULT_MESH_NAME, type Environment } from "./state-directory.ts";

/** `--mesh`, or `--name` where a command takes it as well; undefined where neither is given. */
export function namedMesh(input: CommandInput): string | undefined {
  const mesh = textOption(input, "mesh");
  const name = textOption(input, "name");
  if (mesh !== undefined && name !== undefined && mesh !== name) {
    const message = `Cannot tell which mesh is meant: --mesh says "${mesh}", --name says "${name}"`;
    throw new CommandFailure(exitCodes.usage, message);
  }
  return mesh ?? name;
}

/** What MELTEMI_MESH says, if it is set. */
export function meshOfEnvironment({ MELTEMI_MESH }: Environment): string | undefined {
  return MELTEMI_MESH === "" ? undefined : MELTEMI_MESH;
}

/** For commands that start or end a mesh: the named one, else that of MELTEMI_MESH, else `default`. */
export function meshToRun(env: Environment, input: CommandInput): string {
  return namedMesh(input) ?? meshOfEnvironment(env) ?? DEFAULT_MESH_NAME;
}
