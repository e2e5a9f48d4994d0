// Resident memory of processes, as /proc tells it. Reads only; a process that has gone weighs nothing.

import { readdirSync, readFileSync } from "node:fs";

/** VmRSS of one process, in bytes. */
export function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readText(`/proc/${pid}/status`));
  return match?.[1] === undefined ? 0 : Number(match[1]) * 1024;
}

/** Of a process and its descendants. */
export function residentTreeBytes(pid: number): number {
  let total = 0;
  for (const member of processTree(pid)) total += residentBytes(member);
  return total;
}

function processTree(pid: number): readonly number[] {
  const tree = [pid];
  // The list grows while it is walked: a breadth-first walk of the children.
  for (const member of tree) tree.push(...childrenOf(member));
  return tree;
}

function childrenOf(pid: number): readonly number[] {
  return threadsOf(pid).flatMap((thread) =>
    readText(`/proc/${pid}/task/${thread}/children`)
      .split(" ")
      .filter((text) => text.trim() !== "")
      .map(Number),
  );
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
