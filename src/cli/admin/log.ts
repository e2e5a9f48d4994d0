// `meltemi admin log`: how much the control plane's log says of each of its parts, shown or changed while it runs.

import type { LogScopeReport } from "../../admin/contract/control-plane.ts";
import type { Mesh } from "../../admin/contract/mesh.ts";
import { isLogLevel, type LogLevel, logLevels } from "../../core/log-levels.ts";
import { withMesh } from "../choose-mesh.ts";
import type { CommandContext, CommandInput } from "../command.ts";
import { flagOption, textOption } from "../command.ts";
import { CommandFailure, type ExitCode, exitCodes } from "../exit-code.ts";
import { parseOutputFormat, writeValue } from "../output-format.ts";
import { renderTable } from "../table.ts";

export interface LevelChange {
  readonly scope: string;
  readonly level: LogLevel;
}

const ALL = "all";
const RESET_LEVEL = "info";

export async function run(context: CommandContext, input: CommandInput): Promise<ExitCode> {
  const format = parseOutputFormat(textOption(input, "output"), ["table", "json", "yaml"]);
  const asked = textOption(input, "level");
  if (asked !== undefined && flagOption(input, "reset"))
    throw new CommandFailure(
      exitCodes.usage,
      "Cannot reset levels and set them at once: give --level or --reset",
    );
  const changes = flagOption(input, "reset")
    ? [{ scope: ALL, level: RESET_LEVEL } as const]
    : parseLevelChanges(asked ?? "");
  const scopes = await withMesh(context, input, async (mesh) => {
    await applyChanges(mesh, changes);
    return mesh.logScopes();
  });
  if (format === "json" || format === "yaml") await writeValue(context.terminal, scopes, format);
  else context.terminal.write(scopeTable(scopes));
  return exitCodes.done;
}

/** `ads:debug,ca:warn`, or `debug` for all. Throws a CommandFailure that says what is wanted. */
export function parseLevelChanges(text: string): readonly LevelChange[] {
  if (text === "") return [];
  return text.split(",").map((pair) => {
    const [first = "", second, ...rest] = pair.trim().split(":");
    const [scope, level] = second === undefined ? [ALL, first] : [first, second];
    if (scope !== "" && isLogLevel(level) && rest.length === 0) return { scope, level };
    const message = `Cannot set "${pair.trim()}": --level takes SCOPE:LEVEL, or a LEVEL for all scopes`;
    throw new CommandFailure(exitCodes.usage, message, `levels are ${logLevels.join(", ")}`);
  });
}

/** Nothing is changed where a scope isn't there. */
async function applyChanges(mesh: Mesh, changes: readonly LevelChange[]): Promise<void> {
  if (changes.length === 0) return;
  const names = [...new Set((await mesh.logScopes()).map(({ name }) => name))];
  for (const { scope } of changes) {
    if (scope === ALL || names.includes(scope)) continue;
    throw new CommandFailure(exitCodes.no, `There is no scope "${scope}"`, `there are ${names.join(", ")}`);
  }
  for (const { scope, level } of changes) {
    for (const name of scope === ALL ? names : [scope]) await mesh.setLogLevel(name, level);
  }
}

export function scopeTable(scopes: readonly LogScopeReport[]): string {
  const hasReplicas = scopes.some(({ controlPlane }) => controlPlane !== undefined);
  const titles = ["SCOPE", "LEVEL", "DESCRIPTION"];
  const rows = scopes.map(({ name, output_level, description, controlPlane }) => [
    ...[name, output_level, description],
    ...(hasReplicas ? [controlPlane] : []),
  ]);
  return renderTable(hasReplicas ? [...titles, "CONTROL PLANE"] : titles, rows);
}
