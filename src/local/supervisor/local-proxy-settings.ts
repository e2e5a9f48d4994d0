// What a pod's proxy is told by its environment, as the pod's own agent reads it on a cluster: what can't be read is
// refused there and here.

import { readDrainTimes, readProxyConfig, readSecretTtlMs } from "../../agent/pod/proxy-arguments.ts";
import type { Environment } from "../workloads/environment.ts";

// The applications have ended before the sidecar is drained; what is left are answers on their way.
const LOCAL_DRAIN_MS = 250;

/** Throws on a value that can't be read, in words for the user. */
export function readLocalProxySettings(env: Environment) {
  const { drainTimeSeconds, ...drain } = readDrainTimes(env, { terminationDrainMs: LOCAL_DRAIN_MS });
  // One worker: a laptop has many pods.
  const { concurrency = 1 } = readProxyConfig(env);
  return { certificateTtlMs: readSecretTtlMs(env), concurrency, drainTimeSeconds, drain };
}
