// The store as the supervisor needs it besides controllers and kubelet. An interface: `main` puts the local API
// server behind it.

import type { WorkloadStore } from "../workloads/workload-store.ts";
import type { Declarations } from "./front-protocol.ts";

export interface SupervisorStore extends WorkloadStore {
  /** What the manifests say, as one batch; keeps the status that objects have, and says where they are written. */
  declare(batch: Declarations): void;
}
