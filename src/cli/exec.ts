// `meltemi exec WORKLOAD -- COMMAND`: runs a command inside a pod, as its container's user, on this terminal.

import { withMesh } from "./choose-mesh.ts";
import type { CommandContext, CommandInput } from "./command.ts";
import { flagOption, listArgument, textArgument, textOption } from "./command.ts";
import type { ExitCode } from "./exit-code.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";
import type { Terminal } from "./terminal.ts";
import { findPod } from "./workload-argument.ts";

/** As shells have it for a command that Ctrl-C ended. */
const INTERRUPTED = 130;

/** Ends with the command's own exit code. */
export async function run(context: CommandContext, input: CommandInput): Promise<ExitCode> {
  const command = listArgument(input, 1);
  if (command.length === 0) {
    const example = `meltemi exec ${textArgument(input, 0) ?? "WORKLOAD"} -- env`;
    throw new CommandFailure(
      exitCodes.usage,
      "Cannot run nothing: a command is missing",
      `such as: ${example}`,
    );
  }
  const namespace = textOption(input, "namespace");
  const container = textOption(input, "container");
  const isTty = wantsTty(context.terminal, input);
  const { signal } = context;
  return withMesh(context, input, async (mesh) => {
    const pod = findPod(await mesh.pods(namespace), textArgument(input, 0) ?? "", namespace);
    try {
      const request = { command, isTty, signal, ...(container === undefined ? {} : { container }) };
      return (await mesh.exec(pod, request)) as ExitCode;
    } catch (error) {
      if (signal.aborted) return INTERRUPTED as ExitCode;
      throw error;
    }
  });
}

/** As kubectl's flags have it; without any, where there is a terminal at both ends. */
function wantsTty({ isTty, writeError }: Terminal, input: CommandInput): boolean {
  if (!flagOption(input, "tty")) return !flagOption(input, "stdin") && isTty.input && isTty.output;
  if (!isTty.input) writeError("The command gets no terminal: standard input isn't one\n");
  return isTty.input;
}
