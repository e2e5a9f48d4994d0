// Runs a program of this machine on this process's terminal, as if the user had called it.

import { spawn } from "node:child_process";
import { CommandFailure, exitCodes } from "./exit-code.ts";

/** Resolves to its exit code, or to 128 and the signal's number. */
export function runOnTerminal([program, ...args]: readonly [string, ...string[]]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: "inherit" });
    // Ctrl-C is the command's: the terminal sends it to the whole group, and this process waits for its end.
    const ignore = () => undefined;
    process.on("SIGINT", ignore);
    child.once("error", (cause) => {
      reject(new CommandFailure(exitCodes.environment, `Cannot run ${program}: ${cause.message}`));
    });
    child.once("exit", (code, signal) => {
      process.off("SIGINT", ignore);
      resolve(signal === null ? (code ?? exitCodes.no) : 128 + signalNumber(signal));
    });
  });
}

function signalNumber(signal: NodeJS.Signals): number {
  return { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }[signal as string] ?? 0;
}
