// Builds the command line from the list of commands and runs it: one place turns failures into exit codes.

import { Command, CommanderError, Option } from "commander";
import { printableLines } from "../core/printable.ts";
import type { CommandContext, CommandDeclaration, CommandInput, OptionDeclaration } from "./command.ts";
import type { ExitCode } from "./exit-code.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";
import type { Terminal } from "./terminal.ts";
import { paint } from "./terminal.ts";

const description =
  "A service mesh that speaks Istio's API: the same manifests on this machine and on Kubernetes.";

/** Never throws and never ends the process. `argv` without node and script. */
export async function runProgram(
  argv: readonly string[],
  commands: readonly CommandDeclaration[],
  context: CommandContext,
): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.done;
  const program = new Command("meltemi").description(description);
  program.version(context.version, "-V, --version", "print the version");
  program.addHelpText("after", footer(commands));
  configure(program, context.terminal);
  for (const declaration of commands) {
    addCommand(program, declaration, context, (code) => {
      exitCode = code;
    });
  }
  try {
    if (argv.length === 0) program.outputHelp();
    else await program.parseAsync([...argv], { from: "user" });
    return exitCode;
  } catch (error) {
    return reportFailure(error, context);
  }
}

function addCommand(
  parent: Command,
  declaration: CommandDeclaration,
  context: CommandContext,
  finish: (code: ExitCode) => void,
): void {
  const command = parent.command(declaration.name).description(declaration.summary);
  configure(command, context.terminal);
  for (const alias of declaration.aliases ?? []) command.alias(alias);
  for (const { name, summary } of declaration.arguments ?? []) command.argument(name, summary);
  for (const option of declaration.options ?? []) addOption(command, option);
  command.addHelpText("after", exampleText(declaration));
  for (const subcommand of declaration.subcommands ?? []) addCommand(command, subcommand, context, finish);
  const { load } = declaration;
  if (load === undefined) return;
  command.action(async (...values: unknown[]) => {
    const args = values.slice(0, -2) as CommandInput["args"];
    const options = command.optsWithGlobals();
    const code = await load();
    finish(await code.run(context, { args, options }));
  });
}

function addOption(command: Command, { flags, summary, isList, isHidden, instead }: OptionDeclaration): void {
  const option = new Option(flags, summary).hideHelp(isHidden === true || instead !== undefined);
  // `--name` may mean something else to a command that has it.
  if (instead !== undefined && command.options.some(({ long }) => long === option.long)) return;
  if (instead !== undefined) {
    option.argParser(() => {
      const message = `Cannot read ${option.long}: \`${wordsOf(command)}\` has no such option`;
      throw new CommandFailure(exitCodes.usage, message, `did you mean ${instead}?`);
    });
  }
  if (isList === true)
    option.argParser((value: string, before: string[] | undefined) => [...(before ?? []), value]);
  command.addOption(option);
}

function configure(command: Command, terminal: Terminal): void {
  command.exitOverride().helpOption("-h, --help", "show this help");
  command.configureOutput({
    writeOut: (text) => terminal.write(text),
    writeErr: (text) => terminal.writeError(text),
    outputError: (text, write) => write(text),
    getOutHasColors: () => terminal.hasColour,
    getErrHasColors: () => terminal.hasColour,
  });
  command.showHelpAfterError(`(see \`${wordsOf(command)} --help\`)`);
}

/** `meltemi tag set` */
function wordsOf(command: Command): string {
  return command.parent === null ? command.name() : `${wordsOf(command.parent)} ${command.name()}`;
}

function exampleText({ examples }: CommandDeclaration): string {
  if (examples.length === 0) return "";
  const width = Math.max(...examples.map(({ line }) => line.length));
  const lines = examples.map(({ line, does }) => `  ${line.padEnd(width)}   # ${does}`);
  return `\nExamples:\n${lines.join("\n")}\n`;
}

function footer(commands: readonly CommandDeclaration[]): string {
  const first = commands.flatMap(({ examples }) => examples.slice(0, 1)).slice(0, 6);
  const codes =
    "0 done, 1 the answer is no, 2 used wrongly, 3 the environment lacks something, 4 no mesh answers";
  return `${exampleText({ name: "", summary: "", examples: first })}\nExit codes: ${codes}\n`;
}

function reportFailure(error: unknown, { terminal, env, signal }: CommandContext): ExitCode {
  // commander has printed its own sentence already; help and version come here too, with code 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  if (error instanceof CommandFailure) {
    // It may quote what a pod, an Envoy or a server has said.
    terminal.writeError(`${paint(terminal, "red", "error:")} ${printableLines(error.message)}\n`);
    if (error.hint !== undefined)
      terminal.writeError(`${paint(terminal, "dim", "hint:")} ${printableLines(error.hint)}\n`);
    return error.exitCode;
  }
  if (signal.aborted) return exitCodes.done;
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  terminal.writeError(`${paint(terminal, "red", "error:")} unexpected: ${printableLines(message)}\n`);
  const isDebugging = (env.MELTEMI_DEBUG ?? "") !== "";
  terminal.writeError(
    isDebugging ? `${printableLines(stack ?? "")}\n` : "set MELTEMI_DEBUG=1 for the stack\n",
  );
  return exitCodes.no;
}
