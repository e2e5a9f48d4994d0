// The client of the cluster's API server: by the pod's own files, or by a kubeconfig.

import type { Clock } from "../core/clock.ts";
import { formatProblem } from "../core/problem.ts";
import { type ApiClient, createApiClient } from "../kubernetes/api-client.ts";
import { openInClusterEndpoint } from "../kubernetes/in-cluster-endpoint.ts";
import { openKubeconfig } from "../kubernetes/kubeconfig.ts";
import type { ClusterSettings } from "../plane/control-plane-settings.ts";
import { readVersion } from "../process/project.ts";

/** A kubeconfig that is named stands before the pod's files, and one that isn't comes after them. */
export async function connectToCluster(settings: ClusterSettings, clock: Clock): Promise<ApiClient> {
  const { kubeconfig, context } = settings;
  const environment = process.env;
  const options = { clock, userAgent: `meltemi-control-plane/${readVersion()}` };
  if (kubeconfig === undefined && context === undefined) {
    const endpoint = await openInClusterEndpoint({ clock, environment });
    if (endpoint !== undefined) return createApiClient(endpoint, options);
  }
  const opened = await openKubeconfig({
    clock,
    environment,
    ...(kubeconfig !== undefined && { path: kubeconfig }),
    ...(context !== undefined && { context }),
  });
  if (opened.kind === "problem") throw new Error(formatProblem(opened.problem));
  return createApiClient(opened.endpoint, options);
}
