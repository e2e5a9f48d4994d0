// The PROXY protocol header before each upstream connection's bytes: who the client was.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { TransportSocketSchema } from "../../gen/envoy/config/core/v3/base_pb.ts";
import { ProxyProtocolConfig_Version } from "../../gen/envoy/config/core/v3/proxy_protocol_pb.ts";
import { ProxyProtocolUpstreamTransportSchema } from "../../gen/envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol_pb.ts";
import { RawBufferSchema } from "../../gen/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb.ts";
import { claims } from "../../kinds/claims.ts";
import { destinationRuleKind } from "../../kinds/destination-rule/destination-rule.ts";
import { typedConfig } from "../encode.ts";
import type { ClusterFeature } from "./cluster-feature.ts";

type TransportSocketInit = MessageInitShape<typeof TransportSocketSchema>;

export const proxyProtocolFeature: ClusterFeature = {
  fields: claims(destinationRuleKind, ["spec.trafficPolicy.proxyProtocol.version"]),
  apply({ policy }, { cluster }) {
    if (policy.proxyProtocol === undefined) return;
    const version =
      policy.proxyProtocol.version === "V2" ? ProxyProtocolConfig_Version.V2 : ProxyProtocolConfig_Version.V1;
    // PROXY stands outside TLS: each transport socket is wrapped as a whole.
    const wrap = (transportSocket: TransportSocketInit) => ({
      name: "envoy.transport_sockets.upstream_proxy_protocol",
      configType: {
        case: "typedConfig" as const,
        value: typedConfig(ProxyProtocolUpstreamTransportSchema, { config: { version }, transportSocket }),
      },
    });
    for (const match of cluster.transportSocketMatches ?? [])
      match.transportSocket = wrap(match.transportSocket ?? plaintext());
    if (cluster.transportSocketMatches === undefined)
      cluster.transportSocket = wrap(cluster.transportSocket ?? plaintext());
  },
};

function plaintext() {
  return {
    name: "envoy.transport_sockets.raw_buffer",
    configType: { case: "typedConfig" as const, value: typedConfig(RawBufferSchema, {}) },
  };
}
