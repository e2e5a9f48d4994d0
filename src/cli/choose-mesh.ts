// Which mesh a command speaks to. Flags say it; without any, it is the mesh of this machine if one runs, else the
// cluster of the kubeconfig's current context, and then the user is told so.

import type { Mesh } from "../admin/contract/mesh.ts";
import type { CommandContext, CommandInput } from "./command.ts";
import { flagOption, textOption } from "./command.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";
import { clusterChoices } from "./install-choices.ts";
import type { ClusterChoices } from "./install-operations.ts";
import { openMesh } from "./mesh-client.ts";
import { meshOfEnvironment } from "./mesh-name.ts";
import { socketMesh } from "./socket-mesh.ts";
import { DEFAULT_MESH_NAME, stateDirectory } from "./state-directory.ts";
import { readLock } from "./state-lock.ts";

/** Closes the mesh when the work is done. */
export async function withMesh<T>(
  context: CommandContext,
  input: CommandInput,
  work: (mesh: Mesh) => Promise<T>,
): Promise<T> {
  const place = await choosePlace(context, input);
  const mesh =
    place.kind === "machine"
      ? socketMesh(openMesh(context.env, place.name), context)
      : await context.operations.clusters.openMesh(place.choices, context.signal);
  try {
    return await work(mesh);
  } finally {
    mesh.close();
  }
}

export type MeshPlace =
  | { readonly kind: "machine"; readonly name: string }
  | { readonly kind: "cluster"; readonly choices: ClusterChoices };

export async function choosePlace(
  { env, operations, terminal }: CommandContext,
  input: CommandInput,
): Promise<MeshPlace> {
  // Other commands have a --name of their own, such as `proxy-config route --name 80`.
  const named = textOption(input, "mesh");
  const choices = clusterChoices(input);
  const isKubernetes = flagOption(input, "kubernetes") || Object.keys(choices).length > 0;
  if (named !== undefined && isKubernetes) {
    const message = "Cannot ask two meshes: --mesh names one of this machine, the other flags a cluster";
    throw new CommandFailure(exitCodes.usage, message);
  }
  if (isKubernetes) return { kind: "cluster", choices };
  const name = named ?? meshOfEnvironment(env);
  const machine = { kind: "machine", name: name ?? DEFAULT_MESH_NAME } as const;
  // Who sets the state's place means a mesh of this machine.
  if (name !== undefined || (env.MELTEMI_STATE_DIR ?? "") !== "") return machine;
  if ((await readLock(stateDirectory(env, DEFAULT_MESH_NAME))) !== undefined) return machine;
  const context = await operations.clusters.currentContext();
  if (context === undefined) return machine;
  terminal.writeError(`No mesh runs on this machine: asking the cluster of context "${context}"\n`);
  return { kind: "cluster", choices: {} };
}
