// Finds and kills the processes of a network namespace, also those that left their parents and groups.

import { readdirSync, readlinkSync } from "node:fs";

/** The kernel's name of a process's network namespace, such as `net:[4026532290]`. */
export function networkNamespaceOf(pid: number): string {
  return readlinkSync(`/proc/${pid}/ns/net`);
}

/** The processes in that namespace that this pid namespace can see. */
export function processesOf(networkNamespace: string): readonly number[] {
  const found: number[] = [];
  for (const entry of readdirSync("/proc")) {
    const pid = Number(entry);
    if (Number.isInteger(pid) && isIn(pid, networkNamespace)) found.push(pid);
  }
  return found;
}

/** Kills until none is left, since a process may start another before it dies; gives their number. */
export async function endProcessesOf(
  networkNamespace: string,
  { except }: { readonly except: number },
): Promise<number> {
  const killed = new Set<number>();
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const rest = processesOf(networkNamespace).filter((pid) => pid !== except);
    if (rest.length === 0) return killed.size;
    for (const pid of rest) {
      killed.add(pid);
      kill(pid);
    }
    await new Promise((resolve) => setTimeout(resolve, Math.min(round, 10)));
  }
  throw new Error(
    `Processes of ${networkNamespace} can't be killed: ${processesOf(networkNamespace).join(", ")}`,
  );
}

const MAX_ROUNDS = 500;

function isIn(pid: number, networkNamespace: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`) === networkNamespace;
  } catch {
    // It ended meanwhile, or is a zombie, which has no namespaces any more.
    return false;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended meanwhile.
  }
}
