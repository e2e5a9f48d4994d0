// Removes what clusters left whose process was killed: their folders and their empty cgroups. Processes and mounts
// are never among it, as those end with the process.

import { readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hierarchyFolders, removeCgroup } from "./node-cgroups.ts";

/** Begins the names of all that a cluster makes outside its own folder. */
export const ownPrefix = `meltemi-cluster-${process.pid}-`;

export async function sweepLeftovers(): Promise<void> {
  for (const folder of await leftoversIn(tmpdir())) await rm(folder, { recursive: true, force: true });
  for (const hierarchy of await hierarchyFolders()) {
    for (const cgroup of await leftoversIn(hierarchy)) await removeCgroup(cgroup);
  }
}

async function leftoversIn(folder: string): Promise<readonly string[]> {
  const owner = /^meltemi-cluster-(\d+)-/;
  return (await readdir(folder))
    .filter((name) => owner.test(name) && !isRunning(Number(owner.exec(name)?.[1])))
    .map((name) => join(folder, name));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
