// What a command is to the program: its declaration, which is all that start-up loads, and its code, which
// is loaded when the command is run.

import type { CommandOperations } from "./command-operations.ts";
import type { ExitCode } from "./exit-code.ts";
import type { Environment } from "./state-directory.ts";
import type { Terminal } from "./terminal.ts";

export interface OptionDeclaration {
  /** As commander reads it: `-n, --namespace <namespace>`. */
  readonly flags: string;
  readonly summary: string;
  /** May be given several times; its value is a list. */
  readonly isList?: true;
  /** Taken, but shown nowhere: another spelling of an option that is. */
  readonly isHidden?: true;
  /** What users try here and mean by this option: it is refused with that name. */
  readonly instead?: string;
}

export interface CommandDeclaration {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  /** As commander reads them: `<workload>`, `[directories...]`. */
  readonly arguments?: readonly { readonly name: string; readonly summary: string }[];
  readonly options?: readonly OptionDeclaration[];
  /** Whole command lines, each with what it does. */
  readonly examples: readonly { readonly line: string; readonly does: string }[];
  readonly subcommands?: readonly CommandDeclaration[];
  /** Absent where there are subcommands. */
  readonly load?: () => Promise<CommandCode>;
}

export interface CommandCode {
  run(context: CommandContext, input: CommandInput): Promise<ExitCode>;
}

export interface CommandContext {
  readonly terminal: Terminal;
  readonly env: Environment;
  readonly version: string;
  /** Fires when the user asks to stop (Ctrl-C). */
  readonly signal: AbortSignal;
  readonly operations: CommandOperations;
}

export interface CommandInput {
  /** One a declared argument; absent ones are undefined, a list comes last. */
  readonly args: readonly (string | readonly string[] | undefined)[];
  readonly options: Readonly<Record<string, unknown>>;
}

/** Those that help, completion and the reference show. */
export function shownOptions({ options = [] }: CommandDeclaration): readonly OptionDeclaration[] {
  return options.filter(({ isHidden, instead }) => isHidden !== true && instead === undefined);
}

export function textOption({ options }: CommandInput, name: string): string | undefined {
  const value = options[name];
  return typeof value === "string" ? value : undefined;
}

export function flagOption({ options }: CommandInput, name: string): boolean {
  return options[name] === true;
}

export function listOption({ options }: CommandInput, name: string): readonly string[] {
  const value = options[name];
  return Array.isArray(value) ? value.map(String) : [];
}

export function textArgument({ args }: CommandInput, index: number): string | undefined {
  const value = args[index];
  return typeof value === "string" ? value : undefined;
}

export function listArgument({ args }: CommandInput, index: number): readonly string[] {
  const value = args[index];
  return Array.isArray(value) ? value.map(String) : [];
}
