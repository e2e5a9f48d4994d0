// The store as the supervisor needs it besides controllers and kubelet. An interface: `main` puts the local API
// server behind it.

import type { ObjectKey } from "../../core/object-key.ts";
import type { WorkloadStore } from "../workloads/workload-store.ts";
import type { DeclaredObject } from "./front-protocol.ts";

export interface SupervisorStore extends WorkloadStore {
  /** What the manifests say, as one batch; keeps the status that objects have, and says where they stand. */
  declare(batch: {
    readonly upserts: readonly DeclaredObject[];
    readonly deletes: readonly ObjectKey[];
  }): void;
}
