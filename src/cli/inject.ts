// `meltemi inject -f FILE`: prints the manifest with a sidecar in every workload, to apply or to look at.

import { readFile, writeFile } from "node:fs/promises";
import { text as readAll } from "node:stream/consumers";
import { formatProblem } from "../core/problem.ts";
import type { CommandContext, CommandInput } from "./command.ts";
import { flagOption, textOption } from "./command.ts";
import type { InjectionChoices } from "./command-operations.ts";
import type { ExitCode } from "./exit-code.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";
import { clusterChoices } from "./install-choices.ts";

/** Prints nothing to standard output, and writes no file, unless all of the manifest could be read. */
export async function run(context: CommandContext, input: CommandInput): Promise<ExitCode> {
  const { terminal, operations } = context;
  refuseForeignFlags(input);
  const file = textOption(input, "filename");
  if (file === undefined) {
    throw new CommandFailure(
      exitCodes.usage,
      "Cannot inject: no file is named",
      "meltemi inject -f FILE (- for standard input)",
    );
  }
  const injected = await operations.injectManifest(await readText(file), file, choicesOf(input));
  for (const reason of injected.skipped) terminal.writeError(`not injected: ${reason}\n`);
  for (const found of injected.problems) terminal.writeError(`${formatProblem(found)}\n`);
  if (injected.problems.some(({ severity }) => severity === "error")) return exitCodes.no;
  const output = textOption(input, "output");
  if (output === undefined) terminal.write(injected.text);
  else await writeText(output, injected.text);
  return exitCodes.done;
}

function choicesOf(input: CommandInput): InjectionChoices {
  return {
    revision: textOption(input, "revision") ?? "default",
    meshConfigFile: textOption(input, "meshConfigFile") ?? textOption(input, "meshConfig"),
    injectConfigFile: textOption(input, "injectConfigFile"),
    valuesFile: textOption(input, "valuesFile"),
    meshConfigMapName: textOption(input, "meshConfigMapName"),
    injectConfigMapName: textOption(input, "injectConfigMapName"),
    namespace: textOption(input, "istioNamespace") ?? "meltemi-system",
    cluster: clusterChoices(input),
    usesNativeSidecars: flagOption(input, "nativeSidecars"),
    capture: flagOption(input, "cni") ? "cni" : "init",
  };
}

/** Flags of kube-inject that mean nothing here, and what to do instead. */
const foreignFlags = [
  {
    name: "webhookConfig",
    hint: "injection by hand asks no webhook; name the ConfigMap: --injectConfigMapName meltemi-sidecar-injector",
  },
  { name: "operatorFileName", hint: "there is no operator; give values: --valuesFile FILE" },
];

function refuseForeignFlags(input: CommandInput): void {
  const given = foreignFlags.find(({ name }) => textOption(input, name) !== undefined);
  if (given === undefined) return;
  throw new CommandFailure(exitCodes.usage, `Cannot inject with --${given.name}`, given.hint);
}

async function writeText(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (error) {
    throw new CommandFailure(exitCodes.usage, `Cannot write "${file}": ${(error as Error).message}`);
  }
}

async function readText(file: string): Promise<string> {
  try {
    return file === "-" ? await readAll(process.stdin) : await readFile(file, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = {
      ENOENT: "there is no such file",
      EISDIR: "it is a directory",
      EACCES: "it may not be read",
    }[code ?? ""];
    throw new CommandFailure(exitCodes.usage, `Cannot read "${file}": ${reason ?? message}`);
  }
}
