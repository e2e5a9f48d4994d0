// `meltemi inject -f FILE`: prints the manifest with a sidecar in every workload, to apply or to look at.

import { readFile } from "node:fs/promises";
import { text as readAll } from "node:stream/consumers";
import { formatProblem } from "../core/problem.ts";
import type { CommandContext, CommandInput } from "./command.ts";
import { flagOption, textOption } from "./command.ts";
import type { ExitCode } from "./exit-code.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";

/** Prints nothing to standard output unless all of the manifest could be read. */
export async function run(context: CommandContext, input: CommandInput): Promise<ExitCode> {
  const { terminal, rooms } = context;
  const file = textOption(input, "filename");
  if (file === undefined) {
    throw new CommandFailure(
      exitCodes.usage,
      "Cannot inject: no file is named",
      "meltemi inject -f FILE (- for standard input)",
    );
  }
  const injected = await rooms.injectManifest(await readText(file), file, {
    revision: textOption(input, "revision"),
    meshConfigFile: textOption(input, "meshConfig"),
    usesNativeSidecars: flagOption(input, "nativeSidecars"),
  });
  for (const reason of injected.skipped) terminal.writeError(`not injected: ${reason}\n`);
  for (const found of injected.problems) terminal.writeError(`${formatProblem(found)}\n`);
  if (injected.problems.some(({ severity }) => severity === "error")) return exitCodes.no;
  terminal.write(injected.text);
  return exitCodes.done;
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
