// `meltemi manifest`: prints all objects that `meltemi install` would apply, in its order. It asks no cluster.

import type { CommandContext, CommandInput } from "./command.ts";
import { textOption } from "./command.ts";
import type { ExitCode } from "./exit-code.ts";
import { exitCodes } from "./exit-code.ts";
import { installChoices } from "./install-choices.ts";
import { parseOutputFormat, writeValue } from "./output-format.ts";

export async function run({ operations, terminal }: CommandContext, input: CommandInput): Promise<ExitCode> {
  const format = parseOutputFormat(textOption(input, "output") ?? "yaml", ["yaml", "json"]);
  const objects = await operations.installation.manifest(installChoices(input));
  if (format === "json") {
    await writeValue(terminal, { apiVersion: "v1", kind: "List", items: objects }, "json");
    return exitCodes.done;
  }
  for (const object of objects) {
    terminal.write("---\n");
    await writeValue(terminal, object, "yaml");
  }
  return exitCodes.done;
}
