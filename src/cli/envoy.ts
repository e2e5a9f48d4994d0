// `meltemi envoy`: which Envoy the mesh runs, where it was found, and its version; fetches one where there is none.

import { formatProblem } from "../core/problem.ts";
import type { CommandContext, CommandInput } from "./command.ts";
import { textOption } from "./command.ts";
import type { ExitCode } from "./exit-code.ts";
import { exitCodes } from "./exit-code.ts";
import { parseOutputFormat, writeValue } from "./output-format.ts";

export async function run(context: CommandContext, input: CommandInput): Promise<ExitCode> {
  const { terminal, operations, signal } = context;
  const format = parseOutputFormat(textOption(input, "output"), ["table", "json", "yaml"]);
  const onProgress = (sentence: string) => terminal.writeError(`${sentence}\n`);
  const found = await operations.findEnvoy({ onProgress, signal });
  if ("problem" in found) {
    terminal.writeError(`${formatProblem(found.problem)}\n`);
    return exitCodes.environment;
  }
  if (format === "json" || format === "yaml") await writeValue(terminal, found.envoy, format);
  else {
    const { path, version, source } = found.envoy;
    terminal.write(`path: ${path}\nversion: ${version}\nfound by: ${source}\n`);
  }
  return exitCodes.done;
}
