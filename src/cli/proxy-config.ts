// `meltemi proxy-config SECTION WORKLOAD`: what the Envoy of a workload has been told, from Envoy itself
// or from a dump in a file.

import { readFile } from "node:fs/promises";
import { withMesh } from "./choose-mesh.ts";
import type { CommandCode, CommandContext, CommandInput } from "./command.ts";
import { textArgument, textOption } from "./command.ts";
import type { ExitCode } from "./exit-code.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";
import { parseOutputFormat, writeValue } from "./output-format.ts";
import type { SectionName } from "./proxy-config/section.ts";
import { readSection, sectionPages } from "./proxy-config/section.ts";
import { findPod } from "./workload-argument.ts";

export function proxyConfigCommand(section: SectionName): CommandCode {
  return { run: (context, input) => showSection(section, context, input) };
}

async function showSection(
  name: SectionName,
  context: CommandContext,
  input: CommandInput,
): Promise<ExitCode> {
  const format = parseOutputFormat(textOption(input, "output"), ["table", "json", "yaml"]);
  const file = textOption(input, "file");
  const page = file === undefined ? await fetchPage(name, context, input) : await readPage(file);
  const { value, table } = readSection(name, page, input);
  if (format === "json" || format === "yaml") await writeValue(context.terminal, value, format);
  else if (table === undefined) await writeValue(context.terminal, value, "json");
  else context.terminal.write(table);
  return exitCodes.done;
}

async function fetchPage(name: SectionName, context: CommandContext, input: CommandInput): Promise<unknown> {
  const workload = textArgument(input, 0);
  if (workload === undefined) {
    const hint = `meltemi proxy-config ${name} WORKLOAD, or -f FILE`;
    throw new CommandFailure(
      exitCodes.usage,
      "Cannot show the config of nothing: a workload is missing",
      hint,
    );
  }
  const namespace = textOption(input, "namespace");
  return withMesh(context, input, async (mesh) => {
    const pod = findPod(await mesh.pods(namespace), workload, namespace);
    if (!pod.containers.some(({ role }) => role === "proxy")) {
      throw new CommandFailure(exitCodes.no, `Pod "${pod.name}" has no proxy: it is outside the mesh`);
    }
    return mesh.envoy(pod, sectionPages[name]);
  });
}

async function readPage(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    const isSyntax = error instanceof SyntaxError;
    const reason = isSyntax ? "it isn't JSON, as Envoy's /config_dump is" : (error as Error).message;
    throw new CommandFailure(exitCodes.usage, `Cannot read "${file}": ${reason}`);
  }
}
