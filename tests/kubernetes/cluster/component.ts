// One component of a test cluster as a process: its output goes to a file, and it dies with the test's process,
// however that ends. It is ended by SIGKILL: its state is thrown away anyway.

import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Component {
  readonly name: string;
  readonly pid: number;
  /** Rejects when the process has ended by itself; never resolves. */
  readonly untilFailure: Promise<never>;
  /** The end of what it printed. */
  log(): string;
  close(): Promise<void>;
}

export interface ComponentOptions {
  /** Where `NAME.log` goes. */
  readonly folder: string;
  readonly env?: NodeJS.ProcessEnv;
}

export function startComponent(
  name: string,
  command: readonly [string, ...string[]],
  { folder, env = process.env }: ComponentOptions,
): Component {
  const logPath = join(folder, `${name}.log`);
  const output = openSync(logPath, "a");
  const child = spawn("setpriv", ["--pdeathsig", "KILL", ...command], {
    env,
    stdio: ["ignore", output, output],
  });
  closeSync(output);
  const log = () => readFileSync(logPath, "utf8").slice(-4_000);
  let isClosing = false;
  const untilFailure = new Promise<never>((_resolve, reject) => {
    onExit(child, (how) => {
      if (!isClosing) reject(new Error(`${name} ended by itself (${how}):\n${log()}`));
    });
  });
  // Whoever waits for readiness races this; a death afterwards shows in what the tests see.
  untilFailure.catch(() => undefined);
  return {
    name,
    pid: child.pid ?? 0,
    untilFailure,
    log,
    async close() {
      isClosing = true;
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
  };
}

function onExit(child: ChildProcess, listener: (how: string) => void): void {
  child.once("exit", (code, signal) => listener(signal ?? `exit code ${code}`));
  child.once("error", (error) => listener(error.message));
}
