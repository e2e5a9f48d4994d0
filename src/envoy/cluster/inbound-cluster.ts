// The cluster of one of the workload's own ports: it forwards to where the connection was going anyway.

import { inboundClusterName } from "../../core/cluster-name.ts";
import { formatCalledService } from "../../core/telemetry-record.ts";
import type { InboundClusterInputs } from "../../view/cluster-inputs.ts";
import { provenanceMetadata } from "../provenance.ts";
import { buildCluster } from "./cluster.ts";
import type { ClusterFeature, ClusterInit } from "./cluster-feature.ts";
import {
  clientProtocolFeature,
  inboundSourceFeature,
  originalDestinationFeature,
} from "./original-destination.ts";
import { inboundStatNameFeature } from "./stat-name.ts";

export const inboundClusterFeatures: readonly ClusterFeature<InboundClusterInputs>[] = [
  originalDestinationFeature,
  inboundSourceFeature,
  clientProtocolFeature,
  inboundStatNameFeature,
  {
    fields: [],
    apply({ provenance, services }, { cluster }) {
      const named = services.map(({ hostname, name, namespace }) => ({ host: hostname, name, namespace }));
      const [oldest] = named;
      cluster.metadata = provenanceMetadata(provenance, {
        istio: { services: named },
        ...(oldest !== undefined && { service: formatCalledService(oldest) }),
      });
    },
  },
];

/** Pure. Holds nothing of a single pod: the address comes from the connection. */
export function buildInboundCluster(inputs: InboundClusterInputs): ClusterInit {
  return buildCluster(inboundClusterName(inputs.port), inboundClusterFeatures, inputs);
}
