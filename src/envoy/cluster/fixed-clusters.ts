// Clusters that every proxy of a kind has, whatever the mesh holds: what passes through and what is dropped.

import {
  BLACK_HOLE_CLUSTER,
  INBOUND_PASSTHROUGH_CLUSTER,
  PASSTHROUGH_CLUSTER,
} from "../../core/cluster-name.ts";
import type { IpFamilies } from "../../core/ip-families.ts";
import type { Protocol } from "../../core/protocol.ts";
import { Cluster_DiscoveryType } from "../../gen/envoy/config/cluster/v3/cluster_pb.ts";
import { durationMessage } from "../duration-message.ts";
import { buildCluster } from "./cluster.ts";
import type { ClusterInit } from "./cluster-feature.ts";
import {
  clientProtocolFeature,
  inboundSourceFeature,
  originalDestinationFeature,
} from "./original-destination.ts";

/** Nobody knows what passes through. */
const protocol: Protocol = "UnsupportedProtocol";

/** For traffic to hosts that the mesh doesn't know, under ALLOW_ANY. */
export function buildPassthroughCluster(connectTimeout: string): ClusterInit {
  const features = [originalDestinationFeature, clientProtocolFeature];
  return buildCluster(PASSTHROUGH_CLUSTER, features, { connectTimeout, protocol });
}

/** For what must not pass: a cluster without endpoints. */
export function buildBlackHoleCluster(connectTimeout: string): ClusterInit {
  return {
    name: BLACK_HOLE_CLUSTER,
    connectTimeout: durationMessage(connectTimeout),
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STATIC },
  };
}

/** For inbound traffic to ports of the application that no service names. */
export function buildInboundPassthroughCluster(connectTimeout: string, families: IpFamilies): ClusterInit {
  const features = [originalDestinationFeature, inboundSourceFeature, clientProtocolFeature];
  return buildCluster(INBOUND_PASSTHROUGH_CLUSTER, features, { connectTimeout, families, protocol });
}
