// What the proxies of one workload make of a token, by the filters that they were sent.

import type { Mesh } from "../../admin/contract/mesh.ts";
import { CommandFailure, exitCodes } from "../exit-code.ts";
import { findPods } from "../workload-argument.ts";

export interface PodTokenVerdict {
  readonly namespace: string;
  readonly pod: string;
  readonly verdict: "takes" | "refuses" | "ignores" | "unknown";
  readonly reason: string;
}

/** Of each pod that runs, at least one. */
export async function judgeAtWorkload(
  mesh: Mesh,
  token: string,
  { workload, namespace }: { readonly workload: string; readonly namespace: string | undefined },
): Promise<readonly PodTokenVerdict[]> {
  const [{ readReceivedConfig }, { judgeToken }] = await Promise.all([
    import("../../explain/received-config.ts"),
    import("../../explain/judge-token.ts"),
  ]);
  const pods = findPods(await mesh.pods(), workload, namespace).filter(({ phase }) => phase === "Running");
  if (pods.length === 0) throw new CommandFailure(exitCodes.no, `No pod of "${workload}" runs`);
  const nowSeconds = Math.floor(Date.now() / 1000);
  const judged: PodTokenVerdict[] = [];
  // One after the other: a dump may be large, and in a cluster each is a connection through the API server.
  for (const { namespace, name, containers } of pods) {
    const place = { namespace, pod: name };
    if (!containers.some(({ role }) => role === "proxy")) {
      judged.push({
        ...place,
        verdict: "ignores",
        reason: "the pod has no proxy, so nobody looks at the token",
      });
      continue;
    }
    const config = readReceivedConfig(await mesh.envoy({ namespace, name }, "/config_dump"));
    judged.push({ ...place, ...judgeToken(config, token, nowSeconds) });
  }
  return judged;
}
