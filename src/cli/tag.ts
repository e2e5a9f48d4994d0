// `meltemi tag set|list|remove`: names that point to a revision.

import type { CommandCode, CommandContext } from "./command.ts";
import { flagOption, textArgument, textOption } from "./command.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";
import { clusterChoices, timeoutMs } from "./install-choices.ts";
import type { Progress } from "./install-operations.ts";
import { parseOutputFormat, writeValue } from "./output-format.ts";
import { renderTable } from "./table.ts";

const TIMEOUT_MS = 60_000;

export const setTag: CommandCode = {
  async run(context, input) {
    const tag = textArgument(input, 0) ?? "";
    const revision = textOption(input, "revision") ?? "default";
    if (!/^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$/.test(tag)) {
      const hint = "wanted at most 40 lower-case letters, digits and hyphens";
      throw new CommandFailure(exitCodes.usage, `Cannot set tag "${tag}"`, hint);
    }
    await context.operations.installation.setTag(
      { ...clusterChoices(input), revision, tag },
      {
        ...progressOf(context),
        isOverwrite: flagOption(input, "overwrite"),
        timeoutMs: timeoutMs(input, TIMEOUT_MS),
      },
    );
    const label = tag === "default" ? "istio-injection=enabled" : `istio.io/rev=${tag}`;
    context.terminal.write(`Tag "${tag}" points to revision "${revision}".\n`);
    context.terminal.write(
      `New pods of namespaces with the label ${label} are of it; restart those that run.\n`,
    );
    return exitCodes.done;
  },
};

export const listTags: CommandCode = {
  async run(context, input) {
    const format = parseOutputFormat(textOption(input, "output"), ["table", "json", "yaml"]);
    const tags = await context.operations.installation.tags(clusterChoices(input), progressOf(context));
    if (format === "json" || format === "yaml") await writeValue(context.terminal, tags, format);
    else if (tags.length === 0) context.terminal.write("There are no tags.\n");
    else {
      const rows = tags.map(({ namespaces, revision, tag }) => [tag, revision, namespaces.join(",")]);
      context.terminal.write(renderTable(["TAG", "REVISION", "NAMESPACES"], rows));
    }
    return exitCodes.done;
  },
};

export const removeTag: CommandCode = {
  async run(context, input) {
    const tag = textArgument(input, 0) ?? "";
    const options = { ...progressOf(context), isForced: flagOption(input, "force") };
    await context.operations.installation.removeTag({ ...clusterChoices(input), tag }, options);
    context.terminal.write(`Tag "${tag}" is removed.\n`);
    return exitCodes.done;
  },
};

function progressOf({ signal, terminal }: CommandContext): Progress {
  return { signal, onProgress: (sentence) => terminal.writeError(`${sentence}\n`) };
}
