// `meltemi install`: applies an installation to a cluster, waits for it, and says whether it works.

import type { CommandContext, CommandInput } from "./command.ts";
import type { ExitCode } from "./exit-code.ts";
import { exitCodes } from "./exit-code.ts";
import { installChoices, timeoutMs } from "./install-choices.ts";

const TIMEOUT_MS = 300_000;

export function run(context: CommandContext, input: CommandInput): Promise<ExitCode> {
  return applyAndTell(context, input, { isUpgrade: false });
}

/** Also what `meltemi upgrade` does. */
export async function applyAndTell(
  { operations, signal, terminal }: CommandContext,
  input: CommandInput,
  { isUpgrade }: { readonly isUpgrade: boolean },
): Promise<ExitCode> {
  const choices = installChoices(input);
  const { findings, isHealthy } = await operations.installation.install(choices, {
    isUpgrade,
    signal,
    timeoutMs: timeoutMs(input, TIMEOUT_MS),
    onProgress: (sentence) => terminal.writeError(`${sentence}\n`),
  });
  for (const finding of findings) terminal.writeError(`not in force: ${finding}\n`);
  if (!isHealthy) return exitCodes.no;
  const revision = choices.revision ?? "default";
  const label = revision === "default" ? "istio-injection=enabled" : `istio.io/rev=${revision}`;
  terminal.write(
    `Meltemi is ${isUpgrade ? "upgraded" : "installed"} and healthy (revision "${revision}").\n`,
  );
  terminal.write(`Label a namespace to give its new pods a sidecar: kubectl label namespace NAME ${label}\n`);
  return exitCodes.done;
}
