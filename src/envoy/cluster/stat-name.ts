// The name of a cluster's statistics. Whatever finds a cluster by its name in logs asks Envoy for UPSTREAM_CLUSTER_RAW,
// which this doesn't change.

import { claims } from "../../kinds/claims.ts";
import { meshConfigKind } from "../../kinds/mesh-config/mesh-config.ts";
import type { ClusterFeature } from "./cluster-feature.ts";

export const outboundStatNameFeature = statNameFeature("spec.outboundClusterStatName");
export const inboundStatNameFeature = statNameFeature("spec.inboundClusterStatName");

function statNameFeature(
  field: "spec.outboundClusterStatName" | "spec.inboundClusterStatName",
): ClusterFeature<{ readonly statName?: string }> {
  return {
    fields: claims(meshConfigKind, [field]),
    apply({ statName }, { cluster }) {
      if (statName !== undefined) cluster.altStatName = statName;
    },
  };
}
