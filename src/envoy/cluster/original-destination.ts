// Clusters that send a connection to where it was going anyway: the workload's own ports, and what passes through.

import { appSourcesOf, type IpFamilies } from "../../core/ip-families.ts";
import { isHttp2, type Protocol } from "../../core/protocol.ts";
import { Cluster_DiscoveryType, Cluster_LbPolicy } from "../../gen/envoy/config/cluster/v3/cluster_pb.ts";
import { bindConfig } from "../address.ts";
import { durationMessage } from "../duration-message.ts";
import type { ClusterFeature } from "./cluster-feature.ts";
import { unlimited } from "./connection-pool.ts";

/** No policy reaches these clusters: whoever connects has passed the limits of its own side. */
export const originalDestinationFeature: ClusterFeature<{ readonly connectTimeout: string }> = {
  fields: [],
  apply({ connectTimeout }, { cluster }) {
    cluster.connectTimeout = durationMessage(connectTimeout);
    cluster.clusterDiscoveryType = { case: "type", value: Cluster_DiscoveryType.ORIGINAL_DST };
    cluster.lbPolicy = Cluster_LbPolicy.CLUSTER_PROVIDED;
    cluster.circuitBreakers = unlimited();
  },
};

/** HTTP/2 where the port says so, else what the client speaks. */
export const clientProtocolFeature: ClusterFeature<{ readonly protocol: Protocol }> = {
  fields: [],
  apply({ protocol }, { http }) {
    http.upstreamProtocolOptions = isHttp2(protocol)
      ? {
          case: "explicitHttpConfig",
          value: { protocolConfig: { case: "http2ProtocolOptions", value: {} } },
        }
      : {
          case: "useDownstreamProtocolConfig",
          value: { httpProtocolOptions: {}, http2ProtocolOptions: {} },
        };
  },
};

/** Connections to the application have a source by which interception knows them. */
export const inboundSourceFeature: ClusterFeature<{ readonly families: IpFamilies }> = {
  fields: [],
  apply({ families }, { cluster }) {
    cluster.upstreamBindConfig = bindConfig(appSourcesOf(families));
  },
};
