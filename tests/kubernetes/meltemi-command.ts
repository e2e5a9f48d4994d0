// Our command line against the test cluster, in a process of its own, as a user runs it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { projectPath } from "../../src/main/project.ts";
import type { Cluster } from "./cluster/open-cluster.ts";

/** Resolves to what it printed; rejects with all of its output when it fails. */
export type Meltemi = (args: readonly string[], input?: string) => Promise<string>;

export function meltemiAgainst({ kubeconfigPath }: Cluster): Meltemi {
  return async (args, input = "") => {
    const child = spawn(process.execPath, [projectPath("bin/meltemi.mjs"), ...args], {
      env: { ...process.env, KUBECONFIG: kubeconfigPath },
      stdio: ["pipe", "pipe", "pipe"],
    });
    let [output, errors] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      errors += text;
    });
    // It may end without reading all of it.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    const [code] = await once(child, "close");
    if (code === 0) return output;
    throw new Error(`meltemi ${args.join(" ")}: exit code ${code}: ${output}${errors}`);
  };
}
