// `meltemi top routes`: the routes of services that are used most.

import type { CommandContext, CommandInput } from "../command.ts";
import { textOption } from "../command.ts";
import { type ExitCode, exitCodes } from "../exit-code.ts";
import { parseOutputFormat, writeValue } from "../output-format.ts";
import { statRows, statTable } from "../traffic/stat.ts";
import { askTraffic, noTraffic } from "../traffic/traffic-query.ts";
import { parseLimit } from "./limit.ts";

export async function run(context: CommandContext, input: CommandInput): Promise<ExitCode> {
  const format = parseOutputFormat(textOption(input, "output"), ["table", "json", "yaml"]);
  const limit = parseLimit(textOption(input, "limit"), "routes");
  const traffic = await askTraffic(context, input);
  const rows = statRows(traffic, { subject: "route", name: undefined }).slice(0, limit);
  if (format === "json" || format === "yaml") await writeValue(context.terminal, rows, format);
  else context.terminal.write(rows.length > 0 ? statTable(rows, "route") : noTraffic("", traffic.span));
  return exitCodes.done;
}
