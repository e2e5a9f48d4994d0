// How many objects the mesh is made of, for metrics.

import type { ControlPlane } from "./create-control-plane.ts";

/** Counted when asked. */
export function objectCountsOf({ model, sources }: Pick<ControlPlane, "model" | "sources">) {
  return {
    services: () => model.services.size,
    virtualServices: () => sources.VirtualService.size,
  };
}
