// What commands need of clusters, which the CLI doesn't know: main provides it. What stands in the way is thrown as a
// CommandFailure.

import type { Mesh } from "../admin/contract/mesh.ts";
import type { ClusterChoices } from "./install-operations.ts";

export interface ClusterOperations {
  /** Of the user's kubeconfig; undefined where there is none, or none is current. */
  currentContext(): Promise<string | undefined>;
  openMesh(choices: ClusterChoices, signal: AbortSignal): Promise<Mesh>;
}
