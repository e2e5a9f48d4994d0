// The name of a mesh of this machine, as flags and the environment give it.

import { type CommandInput, textOption } from "./command.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";
import { DEFAULT_MESH_NAME, type Environment } from "./state-directory.ts";

/** What MELTEMI_MESH says, if it is set. */
export function meshOfEnvironment({ MELTEMI_MESH }: Environment): string | undefined {
  return MELTEMI_MESH === "" ? undefined : MELTEMI_MESH;
}

/**
 * For commands that start or end a mesh: what `--mesh` says, or `--name`, which these commands take as well; else the mesh
 * of MELTEMI_MESH, else `default`.
 */
export function meshToRun(env: Environment, input: CommandInput): string {
  const mesh = textOption(input, "mesh");
  const name = textOption(input, "name");
  if (mesh !== undefined && name !== undefined && mesh !== name) {
    const message = `Cannot tell which mesh is meant: --mesh says "${mesh}", --name says "${name}"`;
    throw new CommandFailure(exitCodes.usage, message);
  }
  return mesh ?? name ?? meshOfEnvironment(env) ?? DEFAULT_MESH_NAME;
}
