// `meltemi uninstall`: takes a control plane out of a cluster; users' objects and the CA stay unless `--purge`. It asks
// first where pods depend on it or users' objects would go.

import type { CommandContext, CommandInput } from "./command.ts";
import { flagOption, textOption } from "./command.ts";
import type { ExitCode } from "./exit-code.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";
import { clusterChoices, timeoutMs } from "./install-choices.ts";
import type { RemovalPlan } from "./install-operations.ts";

const TIMEOUT_MS = 120_000;

export async function run(context: CommandContext, input: CommandInput): Promise<ExitCode> {
  const { operations, signal, terminal } = context;
  const revision = textOption(input, "revision") ?? "default";
  const isPurge = flagOption(input, "purge");
  const choices = { ...clusterChoices(input), revision };
  const progress = { signal, onProgress: (sentence: string) => terminal.writeError(`${sentence}\n`) };
  const plan = await operations.installation.planRemoval(choices, { ...progress, isPurge });
  const consequences = [...dependentsText(revision, plan), ...purgeText(plan)];
  for (const line of [...consequences, ...askingText(plan)]) terminal.writeError(`${line}\n`);
  if (consequences.length > 0 && !flagOption(input, "yes")) await confirm(context, revision);
  const verdict = await operations.installation.uninstall(choices, {
    ...progress,
    isPurge,
    timeoutMs: timeoutMs(input, TIMEOUT_MS),
  });
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

async function confirm({ signal, terminal }: CommandContext, revision: string): Promise<void> {
  const answer = await terminal.ask("Uninstall nonetheless? (y/N) ", signal);
  if (/^y(es)?$/i.test(answer?.trim() ?? "")) return;
  const reason = answer === undefined ? "nobody is there to be asked" : "you said no";
  const message = `Cannot uninstall revision "${revision}": ${reason}; nothing was removed`;
  throw new CommandFailure(exitCodes.no, message, answer === undefined ? "--yes doesn't ask" : undefined);
}

const MAX_NAMES = 5;

function dependentsText(revision: string, { dependents }: RemovalPlan): string[] {
  const count = dependents.reduce((sum, { pods }) => sum + pods.length, 0);
  if (count === 0) return [];
  const places = dependents.map(({ namespace, pods }) => {
    const named = pods.slice(0, MAX_NAMES).join(", ");
    const more = pods.length > MAX_NAMES ? ` and ${pods.length - MAX_NAMES} more` : "";
    return `  namespace ${namespace}: ${named}${more}`;
  });
  return [
    `Proxies of ${counted(count, "pod")} depend on revision "${revision}": they keep their configuration, hear of no change, and`,
    "make no calls over mTLS any more once their certificates end. Move them first: meltemi move NAMESPACE --to REVISION",
    ...places,
  ];
}

/** That a namespace still has its label is no reason to ask: pods that run go on. */
function askingText({ askingNamespaces }: RemovalPlan): string[] {
  if (askingNamespaces.length === 0) return [];
  return [`New pods of namespace ${askingNamespaces.join(", ")} will start without a sidecar.`];
}

function purgeText({ purged }: RemovalPlan): string[] {
  if (purged === undefined) return [];
  const { definitionCount, namespaces, objects } = purged;
  if (definitionCount + namespaces.length === 0) return [];
  const kinds = objects.map(({ count, kind }) => counted(count, kind)).join(", ");
  return [
    `A purge removes ${counted(definitionCount, "definition")}, and all objects of their kinds: ${kinds === "" ? "there are none" : kinds};`,
    `the CA, so that no certificate of this mesh is trusted later; and of namespaces, with all that is in them: ${namespaces.join(", ") || "none"}.`,
  ];
}

function counted(count: number, noun: string): string {
  const plural = /[^aeiou]y$/.test(noun) ? `${noun.slice(0, -1)}ies` : `${noun}s`;
  return `${count} ${count === 1 ? noun : plural}`;
}
