// A program in a pod's pid namespace, which nsenter waits for outside: its number as the mesh counts, and its signals.
// Nsenter ends as the program does, with its exit code or by its signal.

import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";

export interface ContainerProcess {
  /** Ends as the program ends; its own pid may be that of a process that waits for the program. */
  readonly child: ChildProcess;
  /** The program's; undefined before it runs and after its end. */
  readonly pid: number | undefined;
  /** For the program; it reaches it also when it is just being started. */
  kill(signal: NodeJS.Signals): void;
}

/** `child` is nsenter. */
export function enteredProcess(child: ChildProcess): ContainerProcess {
  const isOver = () => child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
  const programPid = () => (isOver() ? undefined : onlyChildOf(child.pid));
  return {
    child,
    get pid() {
      return programPid();
    },
    kill(signal) {
      if (isOver()) return;
      const pid = programPid();
      // Without a program yet, it is enough to end what would start it: its group is killed then.
      if (pid === undefined) child.kill(signal);
      else sendSignal(pid, signal);
    },
  };
}

function onlyChildOf(pid: number | undefined): number | undefined {
  try {
    const [first] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
    return first === undefined || first === "" ? undefined : Number(first);
  } catch {
    // It ended meanwhile.
    return undefined;
  }
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ESRCH") throw cause;
  }
}
