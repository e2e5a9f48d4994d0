// `meltemi precheck`: says what would make an installation fail, and changes nothing.

import type { CommandContext, CommandInput } from "./command.ts";
import type { ExitCode } from "./exit-code.ts";
import { exitCodes } from "./exit-code.ts";
import { installChoices } from "./install-choices.ts";

export async function run(
  { operations, signal, terminal }: CommandContext,
  input: CommandInput,
): Promise<ExitCode> {
  const findings = await operations.installation.precheck(installChoices(input), {
    signal,
    onProgress: (sentence) => terminal.writeError(`checked: ${sentence}\n`),
  });
  for (const { hint, message, severity } of findings) {
    terminal.write(`${severity}: ${message}\n`);
    if (hint !== undefined) terminal.write(`  hint: ${hint}\n`);
  }
  if (findings.some(({ severity }) => severity === "error")) return exitCodes.no;
  terminal.write("Nothing stands in the way of an installation.\n");
  return exitCodes.done;
}
