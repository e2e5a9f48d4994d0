// Runs a program of this machine with this process's streams, as if the user had called it.

import type { ChildProcess, StdioOptions } from "node:child_process";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { CommandFailure, exitCodes } from "./exit-code.ts";

export interface TerminalProgram {
  readonly argv: readonly [string, ...string[]];
  /** All that it has. */
  readonly environment: Readonly<Record<string, string>>;
  /** It makes a terminal for itself of this one; a program that doesn't is given none. */
  readonly hasTerminal: boolean;
}

/** Resolves to its exit code, or to 128 and the signal's number. */
export async function runOnTerminal({ argv, environment, hasTerminal }: TerminalProgram): Promise<number> {
  const [program, ...args] = argv;
  const restore = hasTerminal ? rememberTerminal() : () => undefined;
  const { stdin, stdout, stderr } = process;
  const stdio: StdioOptions = hasTerminal ? "inherit" : [stdin, stdout, stderr].map(ioOf);
  const child: ChildProcess = spawn(program, args, { env: environment, stdio });
  const disconnect = connect(child);
  const stopForwarding = forwardSignals(child, hasTerminal);
  try {
    const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
    return signal === null ? (code ?? exitCodes.no) : 128 + constants.signals[signal];
  } catch (cause) {
    throw new CommandFailure(exitCodes.environment, `Cannot run ${program}: ${(cause as Error).message}`);
  } finally {
    stopForwarding();
    disconnect();
    restore();
  }
}

// A terminal that a program only shares with this process's session is none that it should have: it could put words into
// the shell that comes after it. So what is one goes through a pipe.
function ioOf({ isTTY }: { readonly isTTY?: boolean }): "pipe" | "inherit" {
  return isTTY === true ? "pipe" : "inherit";
}

/** Whatever of it is a pipe; returns what ends it. */
function connect({ stdin, stdout, stderr }: ChildProcess): () => void {
  stdout?.pipe(process.stdout, { end: false });
  stderr?.pipe(process.stderr, { end: false });
  if (stdin === null) return () => undefined;
  // A program that ends without reading it all closes the pipe.
  stdin.on("error", () => undefined);
  process.stdin.pipe(stdin);
  return () => {
    process.stdin.unpipe(stdin);
    process.stdin.pause();
  };
}

/**
 * Ctrl-C is the program's: the terminal sends it to the whole group, or as a key where the program has a terminal of its
 * own; this process waits for the end that it brings. What only this process is told is passed on.
 */
function forwardSignals(child: ChildProcess, hasTerminal: boolean): () => void {
  const forward = (signal: NodeJS.Signals) => {
    if (child.pid !== undefined) sendSignal(programOf(child.pid), signal);
  };
  const ignore = () => undefined;
  const listeners = [
    ["SIGINT", hasTerminal ? forward : ignore],
    ["SIGTERM", forward],
    ["SIGHUP", forward],
  ] as const;
  for (const [signal, listener] of listeners) process.on(signal, listener);
  return () => {
    for (const [signal, listener] of listeners) process.off(signal, listener);
  };
}

/** The program itself: nsenter leads into its namespaces, and waits for it. */
function programOf(pid: number): number {
  const [child] =
    readProcess(pid, "comm") === "nsenter" ? readProcess(pid, `task/${pid}/children`).split(" ") : [];
  return child === undefined || child === "" ? pid : programOf(Number(child));
}

function readProcess(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8").trim();
  } catch {
    return ""; // It has ended.
  }
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ESRCH") throw cause;
  }
}

/** Returns what puts this terminal back, also where the program was killed before it could. */
function rememberTerminal(): () => void {
  const { stdout } = spawnSync("stty", ["-g"], { stdio: ["inherit", "pipe", "ignore"], encoding: "utf8" });
  const settings = (stdout ?? "").trim();
  if (settings === "") return () => undefined;
  return () => void spawnSync("stty", [settings], { stdio: ["inherit", "ignore", "ignore"] });
}
