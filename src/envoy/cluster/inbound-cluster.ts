// The cluster of one of the workload's own ports: it forwards to where the connection was going anyway.

import { inboundClusterName } from "../../core/cluster-name.ts";
import { isHttp2 } from "../../core/protocol.ts";
import { HttpProtocolOptionsSchema } from "../../gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts";
import type { InboundClusterInputs } from "../../view/cluster-inputs.ts";
import { typedConfig } from "../encode.ts";
import { provenanceMetadata } from "../provenance.ts";
import type { ClusterInit } from "./cluster-feature.ts";
import { unlimited } from "./connection-pool.ts";
import { downstreamProtocol, fromInboundSource, originalDestination } from "./fixed-clusters.ts";
import { HTTP_PROTOCOL_OPTIONS } from "./outbound-cluster.ts";

/** Holds nothing of a single pod: the address comes from the connection. */
export function buildInboundCluster(inputs: InboundClusterInputs): ClusterInit {
  const services = inputs.services.map(({ hostname, name, namespace }) => ({
    host: hostname,
    name,
    namespace,
  }));
  return {
    name: inboundClusterName(inputs.port),
    ...originalDestination(inputs.connectTimeout),
    ...fromInboundSource(inputs.families),
    circuitBreakers: unlimited(),
    typedExtensionProtocolOptions: isHttp2(inputs.protocol) ? http2() : downstreamProtocol(),
    metadata: provenanceMetadata(inputs.source, { services }),
  };
}

function http2() {
  return {
    [HTTP_PROTOCOL_OPTIONS]: typedConfig(HttpProtocolOptionsSchema, {
      upstreamProtocolOptions: {
        case: "explicitHttpConfig",
        value: { protocolConfig: { case: "http2ProtocolOptions", value: {} } },
      },
    }),
  };
}
