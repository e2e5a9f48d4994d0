// The processes of a running mesh as the machine numbers them: a mesh has a pid namespace of its own, and says its
// own numbers. Ends nothing but what a test names.

import { readFile } from "node:fs/promises";
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

/** The machine's number for a process of the mesh. */
export async function machinePid(mesh: RunningMesh, inner: number): Promise<number> {
  const front = await mesh.frontPid();
  const tree = await processTree(front);
  const numbered = await Promise.all(tree.map(async (pid) => ({ pid, numbers: await numbersOf(pid) })));
  // One number for each pid namespace that the process is seen from: the mesh's is the first below the front's, a pod's
  // the next.
  const place = (await numbersOf(front)).length;
  const found = numbered.find(({ numbers }) => numbers[place] === inner);
  if (found === undefined) throw new Error(`No process of the mesh has the number ${inner}`);
  return found.pid;
}

async function numbersOf(pid: number): Promise<readonly number[]> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  const [, numbers = ""] = /^NSpid:\s+(.*)$/m.exec(status) ?? [];
  return numbers.split(/\s+/).map(Number);
}
