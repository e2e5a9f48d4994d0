// How a cluster's endpoints are found: by EDS over the same stream, by DNS, or from the connection itself.

import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  Cluster_DiscoveryType,
  Cluster_DnsLookupFamily,
  type Cluster_EdsClusterConfigSchema,
} from "../../gen/envoy/config/cluster/v3/cluster_pb.ts";
import { ApiVersion } from "../../gen/envoy/config/core/v3/config_source_pb.ts";
import { claims } from "../../kinds/claims.ts";
import { meshConfigKind } from "../../kinds/mesh-config/mesh-config.ts";
import { serviceEntryKind } from "../../kinds/service-entry/service-entry.ts";
import { durationMessage, ZERO_DURATION } from "../duration-message.ts";
import { buildLoadAssignment } from "../endpoint/load-assignment.ts";
import type { ClusterFeature } from "./cluster-feature.ts";

type EdsClusterConfigInit = MessageInitShape<typeof Cluster_EdsClusterConfigSchema>;

export const discoveryFeature: ClusterFeature = {
  fields: [
    ...claims(serviceEntryKind, ["spec.resolution"]),
    ...claims(meshConfigKind, ["spec.dnsRefreshRate"]),
  ],
  apply({ name, discovery, dnsRefreshRate }, { cluster }) {
    switch (discovery.kind) {
      case "eds":
        cluster.clusterDiscoveryType = { case: "type", value: Cluster_DiscoveryType.EDS };
        cluster.edsClusterConfig = edsOverAds(name);
        return;
      case "original-destination":
        cluster.clusterDiscoveryType = { case: "type", value: Cluster_DiscoveryType.ORIGINAL_DST };
        return;
      case "dns":
        cluster.clusterDiscoveryType = {
          case: "type",
          value: discovery.isLogical ? Cluster_DiscoveryType.LOGICAL_DNS : Cluster_DiscoveryType.STRICT_DNS,
        };
        cluster.dnsRefreshRate = durationMessage(dnsRefreshRate);
        cluster.respectDnsTtl = true;
        cluster.dnsLookupFamily = LOOKUP_FAMILIES[discovery.families];
        cluster.loadAssignment = buildLoadAssignment(discovery.endpoints);
    }
  },
};

const LOOKUP_FAMILIES = {
  ipv4: Cluster_DnsLookupFamily.V4_ONLY,
  ipv6: Cluster_DnsLookupFamily.V6_ONLY,
  dual: Cluster_DnsLookupFamily.ALL,
} as const;

function edsOverAds(serviceName: string): EdsClusterConfigInit {
  return {
    serviceName,
    edsConfig: {
      configSourceSpecifier: { case: "ads", value: {} },
      initialFetchTimeout: ZERO_DURATION,
      resourceApiVersion: ApiVersion.V3,
    },
  };
}
