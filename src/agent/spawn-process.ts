// The plainest way to start Envoy: a child of this process. For the pod's own agent and for tests; the local runtime
// brings its own, which enters a pod's namespaces.

import { spawn } from "node:child_process";
import type { ProcessEnd, RunningProcess, SpawnEnvoy } from "./envoy-process.ts";

export interface SpawnProcessOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Gets each line of the child's output that isn't the agent's. */
  readonly onOutput: (line: string) => void;
}

export function createProcessSpawner(command: string, options: SpawnProcessOptions): SpawnEnvoy {
  return (args, takeLine): RunningProcess => {
    const child = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...options.env },
    });
    for (const stream of [child.stdout, child.stderr]) {
      let rest = "";
      stream.setEncoding("utf8");
      stream.on("data", (text: string) => {
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) if (stream !== child.stdout || !takeLine(line)) options.onOutput(line);
      });
    }
    const ended = new Promise<ProcessEnd>((resolve) => {
      child.once("error", ({ message }) => resolve({ code: null, signal: null, reason: message }));
      // Not "exit", which may come before the child's last words.
      child.once("close", (code, signal) => resolve({ code, signal }));
    });
    return { pid: child.pid, ended, kill: (signal) => void child.kill(signal) };
  };
}
