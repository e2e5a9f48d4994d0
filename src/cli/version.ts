// `meltemi version`: of this program, and of the control planes of the mesh that it would ask.

import type { ControlPlaneVersion } from "../admin/contract/mesh.ts";
import { withMesh } from "./choose-mesh.ts";
import type { CommandContext, CommandInput } from "./command.ts";
import { textOption } from "./command.ts";
import type { ExitCode } from "./exit-code.ts";
import { exitCodes } from "./exit-code.ts";
import { parseOutputFormat, writeValue } from "./output-format.ts";

export async function run(context: CommandContext, input: CommandInput): Promise<ExitCode> {
  const { terminal, version } = context;
  const format = parseOutputFormat(textOption(input, "output"), ["table", "json", "yaml"]);
  const isTable = format === "table" || format === "wide";
  // Said before a mesh is asked, which may fail.
  if (isTable) terminal.write(`client: ${version}\n`);
  const controlPlanes = await withMesh(context, input, (mesh) => mesh.controlPlanes());
  if (!isTable) await writeValue(terminal, versionReport(version, controlPlanes), format);
  else terminal.write(controlPlaneLines(controlPlanes));
  return exitCodes.done;
}

/** `controlPlane` is there where all replicas have the same; replicas are named in a cluster. */
function versionReport(client: string, controlPlanes: readonly ControlPlaneVersion[]) {
  const versions = new Set(controlPlanes.map(({ version }) => version));
  const replicas = controlPlanes.filter(({ pod }) => pod !== undefined);
  return {
    client,
    ...(versions.size === 1 ? { controlPlane: [...versions][0] } : {}),
    ...(replicas.length === 0 ? {} : { replicas }),
  };
}

function controlPlaneLines(controlPlanes: readonly ControlPlaneVersion[]): string {
  if (controlPlanes.length === 0) return "control plane: not running\n";
  return controlPlanes
    .map(({ pod, revision, version }) => {
      const replica = pod === undefined ? "" : ` (${pod}, revision "${revision}")`;
      return `control plane: ${version}${replica}\n`;
    })
    .join("");
}
