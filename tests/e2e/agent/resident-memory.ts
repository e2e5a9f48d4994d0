// What a process holds in memory, as the kernel counts it.

import { readFileSync } from "node:fs";

/** VmRSS: its own pages and those of files that it shares with others. */
export function residentKb(pid: number | undefined): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

/** RssAnon: what nobody shares. */
export function ownKb(pid: number | undefined): number {
  return Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

/** Once that is at most `boundKb`, or what it is at the deadline: garbage goes some seconds after it was collected. */
export async function settledKb(
  pid: number | undefined,
  { boundKb, deadlineMs }: { readonly boundKb: number; readonly deadlineMs: number },
): Promise<number> {
  const endMs = performance.now() + deadlineMs;
  for (;;) {
    const seenKb = residentKb(pid);
    if (seenKb <= boundKb || performance.now() > endMs) return seenKb;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
