// The control plane's process as its parent holds it: started, asked, stopped.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { bundleProgram } from "./bundled-program.ts";
import type { MeshSize } from "./mesh-size.ts";
import type { ChangeKind, ControlPlaneUsage, Question } from "./process-protocol.ts";

export interface ControlPlaneUnderTest {
  readonly socketPath: string;
  /** As it was when the mesh was in its tables, before anyone connected. */
  readonly atStart: ControlPlaneUsage;
  usage(): Promise<ControlPlaneUsage>;
  /** Resolves when it is done. */
  countProgrammed(): Promise<ControlPlaneUsage>;
  change(change: ChangeKind, round: number): void;
  close(): Promise<void>;
}

export async function startControlPlane(
  size: MeshSize,
  profileDirectory: string | undefined,
): Promise<ControlPlaneUnderTest> {
  const program = await bundleProgram(new URL("./control-plane-process.ts", import.meta.url));
  const socketPath = join(program.directory, "xds.sock");
  const child = fork(program.path, [JSON.stringify(size), socketPath], {
    execArgv:
      profileDirectory === undefined
        ? []
        : ["--cpu-prof", "--cpu-prof-dir", profileDirectory, "--cpu-prof-interval", "200"],
  });
  const ask = (question: Question): Promise<ControlPlaneUsage> => {
    child.send(question);
    return nextUsage(child);
  };
  return {
    socketPath,
    atStart: await nextUsage(child),
    usage: () => ask({ kind: "usage" }),
    countProgrammed: () => ask({ kind: "count-programmed" }),
    change: (change, round) => void child.send({ kind: "change", change, round } satisfies Question),
    async close() {
      const ended = once(child, "exit");
      child.disconnect();
      await ended;
      await program.remove();
    },
  };
}

/** Rejects when the process ends first. */
async function nextUsage(child: ChildProcess): Promise<ControlPlaneUsage> {
  const ended = new AbortController();
  const onExit = (code: number | null) =>
    ended.abort(new Error(`The control plane ended with code ${code ?? "none"}`));
  child.once("exit", onExit);
  try {
    const [usage] = await once(child, "message", { signal: ended.signal });
    return usage as ControlPlaneUsage;
  } finally {
    child.off("exit", onExit);
  }
}
