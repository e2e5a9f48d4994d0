// `meltemi version`: of this program, and of the mesh where one runs.

import type { VersionReport } from "../admin/contract/control-plane.ts";
import type { CommandContext, CommandInput } from "./command.ts";
import { textOption } from "./command.ts";
import type { ExitCode } from "./exit-code.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";
import type { MeshClient } from "./mesh-client.ts";
import { openMesh } from "./mesh-client.ts";
import { parseOutputFormat, writeValue } from "./output-format.ts";

export async function run(context: CommandContext, input: CommandInput): Promise<ExitCode> {
  const { terminal, version } = context;
  const format = parseOutputFormat(textOption(input, "output"), ["table", "json", "yaml"]);
  const controlPlane = await controlPlaneVersion(openMesh(context.env, textOption(input, "mesh")));
  const report = { client: version, ...(controlPlane === undefined ? {} : { controlPlane }) };
  if (format === "json" || format === "yaml") await writeValue(terminal, report, format);
  else {
    terminal.write(`client: ${version}\n`);
    terminal.write(`control plane: ${controlPlane ?? "not running"}\n`);
  }
  return exitCodes.done;
}

async function controlPlaneVersion(mesh: MeshClient): Promise<string | undefined> {
  try {
    return (await mesh.get<VersionReport>("control-plane", "/version")).version;
  } catch (error) {
    if (error instanceof CommandFailure && error.exitCode === exitCodes.unreachable) return undefined;
    throw error;
  }
}
