// `meltemi move NAMESPACE --to REVISION`: its pods go to another control plane, one workload after the other.

import type { CommandContext, CommandInput } from "./command.ts";
import { flagOption, textArgument, textOption } from "./command.ts";
import type { ExitCode } from "./exit-code.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";
import { clusterChoices, timeoutMs } from "./install-choices.ts";

const TIMEOUT_MS = 300_000;

export async function run(
  { operations, signal, terminal }: CommandContext,
  input: CommandInput,
): Promise<ExitCode> {
  const namespace = textArgument(input, 0) ?? "";
  const to = textOption(input, "to");
  if ((to === undefined) === !flagOption(input, "back")) {
    const hint = "meltemi move shop --to meltemi, or meltemi move shop --back";
    throw new CommandFailure(
      exitCodes.usage,
      `Cannot move namespace "${namespace}": say --to or --back`,
      hint,
    );
  }
  const choices = { ...clusterChoices(input), namespace, ...(to === undefined ? {} : { to }) };
  const moved = await operations.installation.moveNamespace(choices, {
    signal,
    timeoutMs: timeoutMs(input, TIMEOUT_MS),
    onProgress: (sentence) => terminal.writeError(`${sentence}\n`),
  });
  terminal.write(`Namespace "${namespace}" is of ${moved.to}: ${moved.workloadCount} workloads restarted.\n`);
  return exitCodes.done;
}
