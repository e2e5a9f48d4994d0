// Finds the network namespace of a pod that runs on this node by the pod's address, among those that the runtime keeps as
// files. It looks at no process, so it needs neither the node's process namespace nor the right to trace.

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { createCommandRunner } from "../capture/run-command.ts";

/** Where containerd and CRI-O keep them. */
const NAMESPACES = "/var/run/netns";

/** A path for nsenter, or undefined where no namespace has one of the addresses. */
export async function findPodNamespace(
  addresses: readonly string[],
  directory = NAMESPACES,
): Promise<string | undefined> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    const found = await addressesIn(path);
    if (addresses.some((address) => found.has(address))) return path;
  }
  return undefined;
}

/** None where the namespace went away meanwhile. */
async function addressesIn(namespacePath: string): Promise<ReadonlySet<string>> {
  const command = ["ip", "-oneline", "address", "show", "scope", "global"] as const;
  const { stdout } = await createCommandRunner({ namespacePath })({ command, input: "" });
  return new Set([...stdout.matchAll(/ inet6? ([^ /]+)/g)].map(([, address = ""]) => address));
}
