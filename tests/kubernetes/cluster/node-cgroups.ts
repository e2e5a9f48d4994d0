// A node's own place in each cgroup hierarchy of the machine: two kubelets in one place clean up each other's pods.

import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const HIERARCHIES = "/sys/fs/cgroup";
const REMOVAL_LIMIT_MS = 20_000;

export interface NodeCgroups {
  /** As kubelet's `cgroupRoot` wants it, such as `/meltemi-cluster-123-node-1`. */
  readonly path: string;
  /** Once nothing runs in them. */
  close(): Promise<void>;
}

export async function createNodeCgroups(name: string): Promise<NodeCgroups> {
  const folders: string[] = [];
  for (const hierarchy of await hierarchyFolders()) {
    const folder = join(hierarchy, name);
    await mkdir(folder, { recursive: true });
    folders.push(folder);
    // A cpuset that has no processors takes no process.
    for (const file of ["cpuset.cpus", "cpuset.mems"]) {
      if (!existsSync(join(folder, file)) || !existsSync(join(hierarchy, file))) continue;
      await writeFile(join(folder, file), await readFile(join(hierarchy, file), "utf8"));
    }
  }
  return {
    path: `/${name}`,
    async close() {
      for (const folder of folders) await removeCgroup(folder);
    },
  };
}

/** One for each version 1 controller, or the only one of version 2. */
export async function hierarchyFolders(): Promise<readonly string[]> {
  if (existsSync(join(HIERARCHIES, "cgroup.controllers"))) return [HIERARCHIES];
  const names = await readdir(HIERARCHIES);
  return names
    .map((name) => join(HIERARCHIES, name))
    .filter((folder) => existsSync(join(folder, "cgroup.procs")));
}

/** With those in it, once nothing runs in them. */
export async function removeCgroup(folder: string): Promise<void> {
  const deadlineMs = performance.now() + REMOVAL_LIMIT_MS;
  for (;;) {
    try {
      await removeTree(folder);
      return;
    } catch (error) {
      if (performance.now() > deadlineMs) throw error;
      // Killed processes take a moment to leave.
      await delay(50);
    }
  }
}

async function removeTree(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeTree(join(folder, entry.name));
  }
  await rmdir(folder);
}
