// One outbound cluster from its inputs: the features in order.

import { parseObjectKey } from "../../core/object-key.ts";
import { HttpProtocolOptionsSchema } from "../../gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts";
import type { OutboundClusterInputs } from "../../view/cluster-inputs.ts";
import { typedConfig } from "../encode.ts";
import { provenanceMetadata } from "../provenance.ts";
import type { ClusterDraft, ClusterFeature, ClusterInit } from "./cluster-feature.ts";
import { connectionPoolFeature } from "./connection-pool.ts";
import { discoveryFeature } from "./discovery.ts";
import { httpProtocolFeature } from "./http-protocol.ts";
import { loadBalancerFeature } from "./load-balancer.ts";
import { outlierDetectionFeature } from "./outlier-detection.ts";
import { proxyProtocolFeature } from "./proxy-protocol.ts";
import { upstreamTlsFeature } from "./upstream-tls.ts";

export const HTTP_PROTOCOL_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

export const clusterFeatures: readonly ClusterFeature[] = [
  discoveryFeature,
  loadBalancerFeature,
  httpProtocolFeature,
  connectionPoolFeature,
  outlierDetectionFeature,
  upstreamTlsFeature,
  proxyProtocolFeature,
];

/** Pure. The name, `outbound|port|subset|host`, is part of the inputs. */
export function buildOutboundCluster(inputs: OutboundClusterInputs): ClusterInit {
  const draft: ClusterDraft = {
    cluster: { name: inputs.name },
    http: {},
    connection: {},
    balancing: {},
    protocolOptions: {},
  };
  for (const feature of clusterFeatures) feature.apply(inputs, draft);
  const { cluster, http, connection, balancing, protocolOptions } = draft;
  if (Object.keys(balancing).length > 0) cluster.commonLbConfig = balancing;
  if (Object.keys(connection).length > 0) http.commonHttpProtocolOptions = connection;
  cluster.typedExtensionProtocolOptions = {
    [HTTP_PROTOCOL_OPTIONS]: typedConfig(HttpProtocolOptionsSchema, http),
    ...protocolOptions,
  };
  cluster.metadata = provenanceMetadata(inputs.source, istioMetadata(inputs));
  return cluster;
}

function istioMetadata({ hostname, port, subset, service, source }: OutboundClusterInputs) {
  const rule = source.find(({ object }) => object.startsWith("DestinationRule/"));
  return {
    ...(rule === undefined ? {} : { config: destinationRulePath(rule.object) }),
    default_original_port: port,
    services: [{ host: hostname, name: service.name, namespace: service.namespace }],
    ...(subset === "" ? {} : { subset }),
  };
}

function destinationRulePath(object: Parameters<typeof parseObjectKey>[0]): string {
  const { namespace, name } = parseObjectKey(object);
  return `/apis/networking.istio.io/v1/namespaces/${namespace}/destination-rule/${name}`;
}
