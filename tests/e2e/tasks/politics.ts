// The request of Istio's egress tasks: a page of edition.cnn.com by HTTP, following redirects.

import assert from "node:assert/strict";
import { eventually } from "../mesh/eventually.ts";
import type { TaskMesh } from "./task-mesh.ts";

/** The status lines of the answers in turn, such as `HTTP/1.1 301 Moved Permanently` and `HTTP/2 200`. */
export async function getPolitics({ curl }: TaskMesh, scheme = "http"): Promise<readonly string[]> {
  const url = `${scheme}://edition.cnn.com/politics`;
  const { stdout, stderr, code } = await curl("default/curl", "-L", "-o", "/dev/null", "-D", "-", url);
  const statuses = stdout.match(/^HTTP\/.*(?=\r$)/gm) ?? [];
  return code === 0 ? statuses.map((line) => line.trim()) : [...statuses, stderr.trim()];
}

export const REDIRECTED = ["HTTP/1.1 301 Moved Permanently", "HTTP/2 200"] as const;

export interface Sighting {
  readonly workload: string;
  /** Of a line in its proxy's log. */
  readonly pattern: RegExp;
  readonly scheme?: string;
}

/** Asks until a proxy has logged such a request, and the answers are as wanted; gives the line. */
export function untilPoliticsSeen(
  tasks: TaskMesh,
  answers: readonly string[],
  { workload, pattern, scheme }: Sighting,
): Promise<string> {
  return eventually(async () => {
    assert.deepEqual(await getPolitics(tasks, scheme), answers);
    const lines = (await tasks.mesh.logs(workload, "istio-proxy")).map(({ text }) => text);
    const line = lines.findLast((text) => pattern.test(text));
    if (line === undefined) throw new Error(`${workload}'s proxy logged nothing like ${pattern}`);
    return line;
  });
}
