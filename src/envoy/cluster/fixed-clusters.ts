// Clusters that every proxy of a kind has, whatever the mesh holds: what passes through and what is dropped.

import {
  BLACK_HOLE_CLUSTER,
  INBOUND_PASSTHROUGH_CLUSTER,
  PASSTHROUGH_CLUSTER,
} from "../../core/cluster-name.ts";
import { appSourcesOf, type IpFamilies } from "../../core/ip-families.ts";
import { Cluster_DiscoveryType, Cluster_LbPolicy } from "../../gen/envoy/config/cluster/v3/cluster_pb.ts";
import { HttpProtocolOptionsSchema } from "../../gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts";
import { bindConfig } from "../address.ts";
import { durationMessage } from "../duration-message.ts";
import { typedConfig } from "../encode.ts";
import type { ClusterInit } from "./cluster-feature.ts";
import { unlimited } from "./connection-pool.ts";
import { HTTP_PROTOCOL_OPTIONS } from "./outbound-cluster.ts";

/** For traffic to hosts that the mesh doesn't know, under ALLOW_ANY. */
export function buildPassthroughCluster(connectTimeout: string): ClusterInit {
  return {
    name: PASSTHROUGH_CLUSTER,
    ...originalDestination(connectTimeout),
    circuitBreakers: unlimited(),
    typedExtensionProtocolOptions: downstreamProtocol(),
  };
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
  return {
    ...buildPassthroughCluster(connectTimeout),
    name: INBOUND_PASSTHROUGH_CLUSTER,
    ...fromInboundSource(families),
  };
}

export function fromInboundSource(families: IpFamilies): Pick<ClusterInit, "upstreamBindConfig"> {
  return { upstreamBindConfig: bindConfig(appSourcesOf(families)) };
}

export function originalDestination(connectTimeout: string): ClusterInit {
  return {
    connectTimeout: durationMessage(connectTimeout),
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.ORIGINAL_DST },
    lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
  };
}

export function downstreamProtocol() {
  return {
    [HTTP_PROTOCOL_OPTIONS]: typedConfig(HttpProtocolOptionsSchema, {
      upstreamProtocolOptions: {
        case: "useDownstreamProtocolConfig",
        value: { httpProtocolOptions: {}, http2ProtocolOptions: {} },
      },
    }),
  };
}
