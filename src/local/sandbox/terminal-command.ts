// The command line that gives a command a terminal of its own in the pod, behind the one that the caller has: keys, size,
// Ctrl-C and job control as if the caller sat in front of it. Pure.

import { shellWord } from "../../core/shell-word.ts";

export interface TerminalChoices {
  /** Where `script` of util-linux is. */
  readonly script: string;
  /** Of the caller's terminal, as TERM names it. */
  readonly type: string;
}

export interface CommandAndEnvironment {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * `script` makes the terminal, passes on what is typed and shown, and ends as the command does. It runs as the command's
 * user. Beyond that the caller's own terminal isn't the command's: it can't put words into the caller's shell.
 */
export function terminalCommand(
  { argv, env }: CommandAndEnvironment,
  { script, type }: TerminalChoices,
): CommandAndEnvironment {
  // It starts the command by the shell that SHELL names, which may be anything.
  const shell = env.SHELL === undefined ? "unset SHELL" : `SHELL=${shellWord(env.SHELL)}`;
  const line = `${shell}; exec ${argv.map(shellWord).join(" ")}`;
  return {
    argv: [script, "--quiet", "--return", "--command", line, "/dev/null"],
    env: { TERM: type, ...env, SHELL: "/bin/sh" },
  };
}
