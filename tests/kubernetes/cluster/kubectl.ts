// kubectl against one API server, and the kubeconfig that it needs. Every call has a deadline.

import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { kubectlPath } from "./cached-programs.ts";

const CALL_LIMIT_MS = 60_000;

export interface KubectlOptions {
  /** Written to its standard input, as for `apply -f -`. */
  readonly input?: string;
  /** Default 60 s. */
  readonly timeoutMs?: number;
}

/** Resolves to what it printed; rejects with its error output when it fails or takes too long. */
export type Kubectl = (args: readonly string[], options?: KubectlOptions) => Promise<string>;

export function kubectlWith(kubeconfigPath: string): Kubectl {
  return (args, { input = "", timeoutMs = CALL_LIMIT_MS } = {}) =>
    new Promise((resolve, reject) => {
      const child = spawn(kubectlPath(), ["--kubeconfig", kubeconfigPath, ...args], {
        timeout: timeoutMs,
        killSignal: "SIGKILL",
      });
      let [output, errors] = ["", ""];
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        errors += text;
      });
      child.once("error", reject);
      child.once("close", (code, signal) => {
        if (code === 0) resolve(output);
        else
          reject(new Error(`kubectl ${args.join(" ")}: ${signal ?? `exit code ${code}`}: ${errors.trim()}`));
      });
      // It may end without reading all of it.
      child.stdin.on("error", () => undefined);
      child.stdin.end(input);
    });
}

export interface KubeconfigAccess {
  readonly url: string;
  readonly caPem: string;
  readonly user:
    | { readonly token: string }
    | { readonly "client-certificate": string; readonly "client-key": string };
}

/** A kubeconfig with one cluster, one user and one context. */
export async function writeKubeconfig(path: string, { url, caPem, user }: KubeconfigAccess): Promise<void> {
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
    clusters: [
      {
        name: "test",
        cluster: { server: url, "certificate-authority-data": Buffer.from(caPem).toString("base64") },
      },
    ],
    users: [{ name: "test", user }],
  };
  await writeFile(path, JSON.stringify(config, undefined, 2), { mode: 0o600 });
}
