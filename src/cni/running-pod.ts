// Finds the network namespace of a pod that runs on this node, by the control groups that kubelet names after its uid.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** A path for nsenter, or undefined where no process of the pod runs. Needs the node's process namespace. */
export async function findPodNamespace(uid: string, procDirectory = "/proc"): Promise<string | undefined> {
  // systemd's names have underscores for dashes.
  const spellings = [uid, uid.replaceAll("-", "_")];
  for (const entry of await readdir(procDirectory)) {
    if (!/^\d+$/.test(entry)) continue;
    const groups = await readFile(join(procDirectory, entry, "cgroup"), "utf8").catch(() => "");
    if (spellings.some((spelling) => groups.includes(`pod${spelling}`))) {
      return join(procDirectory, entry, "ns/net");
    }
  }
  return undefined;
}
