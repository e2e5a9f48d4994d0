// What a proxy has written of a request, once it has: Envoy writes its log a little later than it answers.

import { eventually } from "../mesh/eventually.ts";
import type { TaskMesh } from "./task-mesh.ts";

/** The last line that fits. */
export function loggedLine({ mesh }: TaskMesh, workload: string, pattern: RegExp): Promise<string> {
  return eventually(async () => {
    const lines = (await mesh.logs(workload, "istio-proxy")).map(({ text }) => text);
    const line = lines.findLast((text) => pattern.test(text));
    if (line === undefined)
      throw new Error(`${workload}'s proxy logged nothing like ${pattern}:\n${lines.slice(-5).join("\n")}`);
    return line;
  });
}
