// Our command line against the test cluster, in a process of its own, as a user runs it.

import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { projectPath } from "../../src/process/project.ts";
import type { Cluster } from "./cluster/open-cluster.ts";

/** Resolves to what it printed; rejects with all of its output when it fails. */
export type Meltemi = (args: readonly string[], input?: string) => Promise<string>;

export function meltemiAgainst({ kubeconfigPath }: Pick<Cluster, "kubeconfigPath">): Meltemi {
  return async (args, input = "") => {
    const { exitCode, output, errors } = await runMeltemi(args, { kubeconfigPath, input });
    if (exitCode === 0) return output;
    throw new Error(`meltemi ${args.join(" ")}: exit code ${exitCode}: ${output}${errors}`);
  };
}

export interface MeltemiRun {
  readonly kubeconfigPath: string;
  readonly input?: string;
}

export interface MeltemiEnd {
  readonly exitCode: number | null;
  readonly output: string;
  readonly errors: string;
}

export async function runMeltemi(
  args: readonly string[],
  { kubeconfigPath, input = "" }: MeltemiRun,
): Promise<MeltemiEnd> {
  const child = startMeltemi(args, kubeconfigPath);
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
  const [exitCode] = await once(child, "close");
  return { exitCode, output, errors };
}

/** For a command that goes on. */
export function startMeltemi(
  args: readonly string[],
  kubeconfigPath: string,
): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [projectPath("bin/meltemi.mjs"), ...args], {
    env: { ...process.env, ...meltemiEnvironment(kubeconfigPath) },
    stdio: ["pipe", "pipe", "pipe"],
  });
}

/** A mesh that runs on this machine would be asked before the cluster: there is none at this place. */
export function meltemiEnvironment(kubeconfigPath: string): NodeJS.ProcessEnv {
  return { KUBECONFIG: kubeconfigPath, MELTEMI_STATE_DIR: "", XDG_STATE_HOME: "/nowhere" };
}
