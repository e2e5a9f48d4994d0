// `meltemi uninstall`: takes a control plane out of a cluster; users' objects and the CA stay unless `--purge`.

import type { CommandContext, CommandInput } from "./command.ts";
import { flagOption, textOption } from "./command.ts";
import type { ExitCode } from "./exit-code.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";
import { clusterChoices, timeoutMs } from "./install-choices.ts";

const TIMEOUT_MS = 120_000;

export async function run(
  { rooms, signal, terminal }: CommandContext,
  input: CommandInput,
): Promise<ExitCode> {
  const revision = textOption(input, "revision") ?? "default";
  const isPurge = flagOption(input, "purge");
  const verdict = await rooms.installation.uninstall(
    { ...clusterChoices(input), revision },
    {
      isPurge,
      signal,
      timeoutMs: timeoutMs(input, TIMEOUT_MS),
      onProgress: (sentence) => terminal.writeError(`${sentence}\n`),
    },
  );
  for (const name of verdict.remaining) terminal.writeError(`still going: ${name}\n`);
  if (verdict.remaining.length > 0) return exitCodes.no;
  if (verdict.removedCount === 0)
    throw new CommandFailure(exitCodes.no, `Cannot uninstall revision "${revision}": it isn't installed`);
  terminal.write(`Removed ${verdict.removedCount} objects of revision "${revision}".\n`);
  const others = verdict.otherRevisions.join(", ");
  if (others !== "") terminal.write(`What is shared with revision ${others} is kept.\n`);
  else if (!isPurge)
    terminal.write("Kept: definitions, your objects and the CA. --purge removes them too.\n");
  return exitCodes.done;
}
