// The reference of the command line as Markdown, made of the list of commands.

import { type CommandDeclaration, shownOptions } from "./command.ts";

const opening = `# Command line

Made of \`src/cli/command-list.ts\`; \`meltemi COMMAND --help\` shows the same.

Results go to standard output, everything else (errors, progress, remarks) to standard error. Colours are used on a
terminal only, and never when \`NO_COLOR\` is set. WORKLOAD is \`reviews-v1\`, \`deploy/reviews-v1\`,
\`pod/NAME\` or \`NAME.NAMESPACE\`; without \`-n\`, all namespaces are searched.

## Exit codes

| code | meaning |
|---|---|
| 0 | done |
| 1 | the answer is no: problems were found, a proxy refused something, a workload doesn't exist |
| 2 | used wrongly: an unknown flag, a missing argument, a file that isn't there |
| 3 | the environment lacks something: a tool, a permission, an Envoy |
| 4 | no mesh answers |

\`exec\` ends with the exit code of the command that it ran. A defect of Meltemi ends with 1 and one line;
\`MELTEMI_DEBUG=1\` adds the stack.

## Environment

| variable | meaning |
|---|---|
| \`MELTEMI_STATE_DIR\` | where the mesh keeps its CA, leases and sockets, instead of \`$XDG_STATE_HOME/meltemi/NAME\` |
| \`MELTEMI_MESH\` | the mesh of this machine that commands mean without \`--mesh\` |
| \`MELTEMI_ENVOY\` | the Envoy to run |
| \`XDG_CACHE_HOME\` | the folder above the cache, \`meltemi\` |
| \`NO_COLOR\` | no colours |
| \`MELTEMI_DEBUG\` | stacks of unexpected errors |
`;

export function renderReference(commands: readonly CommandDeclaration[]): string {
  return [opening, ...commands.map((command) => renderCommand(command, "meltemi", "##"))].join("\n");
}

function renderCommand(command: CommandDeclaration, parent: string, heading: string): string {
  const name = `${parent} ${command.name}`;
  const aliases = (command.aliases ?? []).map((alias) => `\`${alias}\``);
  const also = aliases.length === 0 ? "" : ` Also: ${aliases.join(", ")}.`;
  const usage = [name, ...(command.arguments ?? []).map((argument) => argument.name)].join(" ");
  const parts = [
    `${heading} ${name}\n`,
    `${sentence(command.summary)}${also}\n`,
    command.subcommands === undefined ? `    ${usage}\n` : undefined,
    renderRows(command),
    renderExamples(command),
    ...(command.subcommands ?? []).map((subcommand) => renderCommand(subcommand, name, `${heading}#`)),
  ];
  return parts.filter((part) => part !== undefined).join("\n");
}

function renderRows(command: CommandDeclaration): string | undefined {
  const { arguments: args = [] } = command;
  const rows = [
    ...args.map(({ name, summary }) => `| \`${name}\` | ${summary} |`),
    ...shownOptions(command).map(({ flags, summary }) => `| \`${flags}\` | ${summary} |`),
  ];
  return rows.length === 0 ? undefined : `${["| | |", "|---|---|", ...rows].join("\n")}\n`;
}

function renderExamples({ examples }: CommandDeclaration): string {
  return `${examples.map(({ line, does }) => `    ${line}   # ${does}`).join("\n")}\n`;
}

function sentence(summary: string): string {
  return `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;
}
