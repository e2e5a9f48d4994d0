// Runs capture's commands, here or in another process's network namespace. Never through a shell.

import { spawn } from "node:child_process";
import type { CommandOutcome, RunCommand } from "./capture-command.ts";

export interface CommandRunnerOptions {
  /** Path of the network namespace to enter, such as `/proc/42/ns/net`; else it is our own. */
  readonly namespacePath?: string;
  readonly timeoutMs?: number;
  /** Added to our own environment. */
  readonly env?: Readonly<Record<string, string>>;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const MISSING_PROGRAM = 127;

export function createCommandRunner(options: CommandRunnerOptions = {}): RunCommand {
  const { namespacePath, timeoutMs = DEFAULT_TIMEOUT_MS, env } = options;
  const enter = namespacePath === undefined ? [] : ["nsenter", `--net=${namespacePath}`, "--"];
  return ({ command, input }) => {
    const [program, ...args] = [...enter, ...command];
    return new Promise<CommandOutcome>((resolve) => {
      const child = spawn(program ?? "", args, {
        stdio: ["pipe", "pipe", "pipe"],
        // The administrators' directories aren't on everyone's PATH; untranslated words are the same everywhere.
        env: {
          ...process.env,
          PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin:/usr/bin:/bin`,
          LC_ALL: "C",
          ...env,
        },
        timeout: timeoutMs,
        killSignal: "SIGKILL",
      });
      const output = { stdout: "", stderr: "" };
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        output.stdout += text;
      });
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        output.stderr += text;
      });
      child.on("error", (error) => resolve({ code: MISSING_PROGRAM, stdout: "", stderr: error.message }));
      child.on("close", (code) => resolve({ code, ...output }));
      // A program that ends without reading its input closes the pipe: its exit code tells, not EPIPE.
      child.stdin.on("error", () => undefined);
      child.stdin.end(input);
    });
  };
}
