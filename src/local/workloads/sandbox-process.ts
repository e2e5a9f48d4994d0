// One process of a container: started in the pod's sandbox, its output cut into lines, its end awaited.

import { accessSync, constants as fsConstants } from "node:fs";
import { constants as osConstants } from "node:os";
import { delimiter, isAbsolute, join, resolve as resolvePath } from "node:path";
import type { ContainerProcess } from "../sandbox/entered-process.ts";
import { splitLines } from "./line-splitter.ts";

export interface ProcessExit {
  /** As a shell tells it: 128 + the signal's number for a killed process. */
  readonly exitCode: number;
  readonly signal?: number;
}

export interface SandboxProcess {
  readonly pid: number | undefined;
  readonly exited: Promise<ProcessExit>;
  kill(signal: NodeJS.Signals): void;
}

/** Takes over what was spawned. `onLine` gets what it writes; a failed spawn is told there and ends with code 127. */
export function watchProcess(
  started: ContainerProcess,
  onLine: (stream: "stdout" | "stderr", text: string) => void,
): SandboxProcess {
  const { child } = started;
  for (const stream of ["stdout", "stderr"] as const) {
    const splitter = splitLines((text) => onLine(stream, text));
    child[stream]?.on("data", (chunk: Uint8Array) => splitter.write(chunk));
    child[stream]?.on("end", () => splitter.end());
    child[stream]?.on("error", () => splitter.end());
  }
  const exited = new Promise<ProcessExit>((resolve) => {
    child.once("exit", (code, signal) => resolve(exitOf(code, signal)));
    child.once("error", (cause) => {
      onLine("stderr", `Cannot start the process: ${cause.message}`);
      resolve({ exitCode: 127 });
    });
  });
  return {
    get pid() {
      return started.pid;
    },
    exited,
    kill: (signal) => started.kill(signal),
  };
}

function exitOf(code: number | null, signal: NodeJS.Signals | null): ProcessExit {
  if (signal === null) return { exitCode: code ?? 0 };
  const number = osConstants.signals[signal];
  return { exitCode: 128 + number, signal: number };
}

/** The absolute paths at which `execvp` looks for `executable`, in its order. */
export function executablePaths(
  executable: string,
  { path, workingDir }: { readonly path: string; readonly workingDir: string },
): readonly string[] {
  return executable.includes("/")
    ? [isAbsolute(executable) ? executable : resolvePath(workingDir, executable)]
    : path.split(delimiter).map((directory) => join(directory === "" ? workingDir : directory, executable));
}

export function isExecutable(file: string): boolean {
  try {
    accessSync(file, fsConstants.X_OK);
    return true;
  } catch {
    return false;
  }
}
