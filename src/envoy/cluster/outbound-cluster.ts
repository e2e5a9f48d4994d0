// One outbound cluster from its inputs: the features in order.

import { parseObjectKey } from "../../core/object-key.ts";
import { formatCalledService } from "../../core/telemetry-record.ts";
import type { OutboundClusterInputs } from "../../view/cluster-inputs.ts";
import { provenanceMetadata } from "../provenance.ts";
import { buildCluster } from "./cluster.ts";
import type { ClusterFeature, ClusterInit } from "./cluster-feature.ts";
import { connectionPoolFeature } from "./connection-pool.ts";
import { discoveryFeature } from "./discovery.ts";
import { httpProtocolFeature } from "./http-protocol.ts";
import { loadBalancerFeature } from "./load-balancer.ts";
import { outlierDetectionFeature } from "./outlier-detection.ts";
import { proxyProtocolFeature } from "./proxy-protocol.ts";
import { outboundStatNameFeature } from "./stat-name.ts";
import { upstreamTlsFeature } from "./upstream-tls.ts";

export const outboundClusterFeatures: readonly ClusterFeature[] = [
  discoveryFeature,
  loadBalancerFeature,
  httpProtocolFeature,
  connectionPoolFeature,
  outlierDetectionFeature,
  upstreamTlsFeature,
  proxyProtocolFeature,
  outboundStatNameFeature,
  {
    fields: [],
    apply(inputs, { cluster }) {
      cluster.metadata = provenanceMetadata(inputs.provenance, {
        istio: istioMetadata(inputs),
        service: serviceText(inputs),
      });
    },
  },
];

/** Pure. The name, `outbound|port|subset|host`, is part of the inputs. */
export function buildOutboundCluster(inputs: OutboundClusterInputs): ClusterInit {
  return buildCluster(inputs.name, outboundClusterFeatures, inputs);
}

/** Of whom the cluster's name doesn't tell. */
function serviceText({ hostname, service: { name, namespace } }: OutboundClusterInputs): string {
  const isTold = hostname.startsWith(`${name}.${namespace}.svc.`);
  return isTold ? "" : formatCalledService({ host: hostname, name, namespace });
}

function istioMetadata({ hostname, port, subset, service, provenance }: OutboundClusterInputs) {
  const rule = provenance.find(({ object }) => object.startsWith("DestinationRule/"));
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
