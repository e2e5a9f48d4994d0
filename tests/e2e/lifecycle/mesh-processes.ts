// The processes of a running mesh as the machine numbers them: a mesh has a pid namespace of its own, and says its
// own numbers. Ends nothing but what a test names.

import { readFile, readlink } from "node:fs/promises";
import type { RunningMesh } from "../mesh/running-mesh.ts";

/** SIGKILL for a process of the mesh by the number that the mesh gives it. */
export async function killInside(mesh: RunningMesh, pid: number): Promise<void> {
  process.kill(await machinePid(mesh, pid), "SIGKILL");
}

/** `control plane` or `supervisor`. */
export async function pidOf(mesh: RunningMesh, name: string): Promise<number> {
  const { processes } = await mesh.report();
  const pid = processes.find((each) => each.name === name)?.pid;
  if (pid === undefined) throw new Error(`The ${name} doesn't run`);
  return pid;
}

/** A process and all below it that run now. */
export async function processTree(pid: number): Promise<readonly number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  const trees = await Promise.all(children.trim().split(" ").filter(Boolean).map(Number).map(processTree));
  return [pid, ...trees.flat()];
}

/** The network namespace of a process, such as `net:[4026532281]`. */
export function networkNamespace(pid: number): Promise<string> {
  return readlink(`/proc/${pid}/ns/net`);
}

async function machinePid(mesh: RunningMesh, inner: number): Promise<number> {
  const { frontPid } = await mesh.report();
  for (const pid of await processTree(frontPid)) {
    const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
    const [, numbers = ""] = /^NSpid:\s+(.*)$/m.exec(status) ?? [];
    // The machine's own number comes first; a process outside the mesh's namespace has no other.
    const [, ...insides] = numbers.split(/\s+/).map(Number);
    if (insides.at(-1) === inner) return pid;
  }
  throw new Error(`No process of the mesh has the number ${inner}`);
}
