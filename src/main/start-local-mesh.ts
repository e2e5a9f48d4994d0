// Starts a mesh on this machine: probes what the machine allows, makes the namespaces with the supervisor in
// them, watches the manifests and hands them over, and turns what the supervisor tells into events.

import { CommandFailure, exitCodes } from "../cli/exit-code.ts";
import type { MeshLaunch, RunningMesh } from "../cli/local-mesh.ts";
import { probeMachine } from "../local/front/machine-ability.ts";

export async function startLocalMesh(launch: MeshLaunch): Promise<RunningMesh> {
  const ability = await probeMachine();
  if (ability.kind === "unable") throw new CommandFailure(exitCodes.environment, ability.sentence);
  if (ability.noEgress !== undefined) launch.onEvent({ kind: "notice", text: ability.noEgress });
  throw new CommandFailure(exitCodes.environment, "Cannot start the mesh: this build has no supervisor yet");
}
