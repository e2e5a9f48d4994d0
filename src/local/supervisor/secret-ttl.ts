// How long a pod's certificate is to live, as Istio's agent is told: SECRET_TTL in the environment of its proxy,
// which `proxyMetadata` sets for one pod or for the mesh.

import { parseDurationMs } from "../../core/duration.ts";
import type { Environment } from "../workloads/environment.ts";

// The CA counts in seconds, and refuses less than one.
const SHORTEST_MS = 1_000;

/** Undefined where nothing is said, or nothing that is a lifetime: the agent's default counts then, as in Istio. */
export function secretTtlMs(env: Environment): number | undefined {
  const ttlMs = parseDurationMs(env.SECRET_TTL ?? "");
  return ttlMs === undefined || ttlMs < SHORTEST_MS ? undefined : ttlMs;
}
