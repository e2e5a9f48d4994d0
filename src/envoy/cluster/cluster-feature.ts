// A cluster is built, as a route is, by an ordered list of features that each claim the API fields they implement.

import type {
  Cluster_CommonLbConfigSchema,
  ClusterSchema,
} from "../../gen/envoy/config/cluster/v3/cluster_pb.ts";
import type { HttpProtocolOptionsSchema as CommonHttpProtocolOptionsSchema } from "../../gen/envoy/config/core/v3/protocol_pb.ts";
import type { HttpProtocolOptionsSchema } from "../../gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts";
import type { ClaimedField } from "../../kinds/claims.ts";
import type { OutboundClusterInputs } from "../../view/cluster-inputs.ts";
import type { Plain } from "../encode.ts";
import type { PackedMessage } from "../message-encoder.ts";

export type ClusterInit = Plain<typeof ClusterSchema>;

export interface ClusterDraft {
  readonly cluster: ClusterInit;
  readonly http: Plain<typeof HttpProtocolOptionsSchema>;
  /** Of each connection, whatever HTTP it speaks. */
  readonly connection: Plain<typeof CommonHttpProtocolOptionsSchema>;
  /** Whatever the load balancer. */
  readonly balancing: Plain<typeof Cluster_CommonLbConfigSchema>;
  /** By the name of the extension. */
  readonly protocolOptions: Record<string, PackedMessage>;
}

/** `Inputs`: as much of a cluster's inputs as the feature looks at. */
export interface ClusterFeature<Inputs = OutboundClusterInputs> {
  /** Paths such as `DestinationRule.spec.trafficPolicy.outlierDetection.interval`. */
  readonly fields: readonly ClaimedField[];
  readonly apply: (inputs: Inputs, draft: ClusterDraft) => void;
}
