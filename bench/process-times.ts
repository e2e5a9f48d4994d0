// What processes have computed and which processes another one started, as /proc tells it. Reads only; a process that
// has gone counts as nothing.

import { readFile } from "node:fs/promises";

const TICKS_PER_SECOND = 100;

/** A process and its descendants. */
export async function processTree(pid: number): Promise<readonly number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  const trees = await Promise.all(children.trim().split(" ").filter(Boolean).map(Number).map(processTree));
  return [pid, ...trees.flat()];
}

/** User and system time of processes together; the kernel counts in steps of 10 ms. */
export async function cpuSecondsOf(pids: readonly number[]): Promise<number> {
  const ticks = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
      // The name before may hold spaces; user and system time are fields 14 and 15.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
    }),
  );
  return ticks.reduce((sum, each) => sum + each, 0) / TICKS_PER_SECOND;
}

/** The words that a process was started with. */
export async function argvOf(pid: number): Promise<readonly string[]> {
  const text = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return text.split("\0").slice(0, -1);
}
