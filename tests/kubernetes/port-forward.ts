// `kubectl port-forward`, which is how Istio's tools reach pods too: a port of this machine for one of a pod's loopback.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { kubectlPath } from "./cluster/cached-programs.ts";
import type { Cluster } from "./cluster/open-cluster.ts";

export interface PodPlace {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

/** Runs `use` with the port of this machine; rejects with kubectl's words if it ends before. */
export async function withPortForward<T>(
  { kubeconfigPath }: Cluster,
  { namespace, pod, port }: PodPlace,
  use: (localPort: number) => Promise<T>,
): Promise<T> {
  const place = ["-n", namespace, "port-forward", `pod/${pod}`, `:${port}`];
  const child = spawn(kubectlPath(), ["--kubeconfig", kubeconfigPath, ...place], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const closed = once(child, "close");
  let said = "";
  const localPort = new Promise<number>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        said += text;
        const [, found] = /127\.0\.0\.1:(\d+) ->/.exec(said) ?? [];
        if (found !== undefined) resolve(Number(found));
      });
    }
    child.once("error", reject);
    child.once("close", () => reject(new Error(`kubectl ${place.join(" ")}: ${said}`)));
  });
  try {
    return await use(await localPort);
  } finally {
    child.kill();
    await closed;
  }
}
