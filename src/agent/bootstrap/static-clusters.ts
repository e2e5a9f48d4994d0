// The clusters that stand in the bootstrap: control plane, the agent's two sockets, Envoy's own admin, and the app's ports.

import { isIP } from "node:net";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Cluster, ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.ts";
import { Cluster_DiscoveryType, Cluster_LbPolicy } from "../../gen/envoy/config/cluster/v3/cluster_pb.ts";
import type { AddressSchema } from "../../gen/envoy/config/core/v3/address_pb.ts";
import { ApiConfigSource_ApiType, ApiVersion } from "../../gen/envoy/config/core/v3/config_source_pb.ts";
import {
  SubjectAltNameMatcher_SanType,
  TlsParameters_TlsProtocol,
} from "../../gen/envoy/extensions/transport_sockets/tls/v3/common_pb.ts";
import type { BootstrapOptions, ControlPlaneAddress } from "./bootstrap.ts";
import { markOption, pipeAddress, socketAddress } from "./socket-address.ts";
import { bootstrapExtensions, packExtension } from "./typed-config.ts";

type ClusterInit = Exclude<MessageInitShape<typeof ClusterSchema>, Cluster>;

export const APP_CLUSTER = "agent-to-app";
export const ADMIN_CLUSTER = "prometheus_stats";
export const AGENT_CLUSTER = "agent";

export function buildStaticClusters(options: BootstrapOptions): ClusterInit[] {
  const { sockets } = options;
  return [
    staticCluster(ADMIN_CLUSTER, pipeAddress(sockets.admin)),
    staticCluster(AGENT_CLUSTER, pipeAddress(sockets.agent)),
    { ...staticCluster("sds-grpc", pipeAddress(sockets.sds)), ...http2Only() },
    buildXdsCluster(options.controlPlane),
    buildAppCluster(options.socketMark),
  ];
}

function staticCluster(name: string, address: MessageInitShape<typeof AddressSchema>): ClusterInit {
  const hostIdentifier = { case: "endpoint", value: { address } } as const;
  return {
    name,
    connectTimeout: { seconds: 1n },
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STATIC },
    loadAssignment: { clusterName: name, endpoints: [{ lbEndpoints: [{ hostIdentifier }] }] },
  };
}

function http2Only(keepalive?: {
  readonly intervalSeconds: bigint;
  readonly timeoutSeconds: bigint;
}): ClusterInit {
  const connectionKeepalive = keepalive && {
    interval: { seconds: keepalive.intervalSeconds },
    timeout: { seconds: keepalive.timeoutSeconds },
  };
  const http2 = {
    case: "http2ProtocolOptions",
    value: { ...(connectionKeepalive && { connectionKeepalive }) },
  } as const;
  const protocol = { case: "explicitHttpConfig", value: { protocolConfig: http2 } } as const;
  const packed = packExtension(bootstrapExtensions.httpProtocolOptions, {
    upstreamProtocolOptions: protocol,
  });
  return {
    typedExtensionProtocolOptions: { "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": packed },
  };
}

function buildXdsCluster(controlPlane: ControlPlaneAddress): ClusterInit {
  const isUnix = controlPlane.kind === "unix";
  const address = isUnix
    ? pipeAddress(controlPlane.path)
    : socketAddress(controlPlane.host, controlPlane.port);
  const isResolved = isUnix || isIP(controlPlane.host) !== 0;
  const { tlsServerName } = controlPlane;
  return {
    ...staticCluster("xds-grpc", address),
    ...http2Only({ intervalSeconds: 30n, timeoutSeconds: 10n }),
    clusterDiscoveryType: {
      case: "type",
      value: isResolved ? Cluster_DiscoveryType.STATIC : Cluster_DiscoveryType.STRICT_DNS,
    },
    ...(tlsServerName !== undefined && { transportSocket: buildXdsTls(tlsServerName) }),
  };
}

// Both secrets come from the agent's socket, so that renewing them needs no restart.
function buildXdsTls(serverName: string) {
  const tls = packExtension(bootstrapExtensions.upstreamTls, {
    sni: serverName,
    commonTlsContext: {
      alpnProtocols: ["h2"],
      tlsParams: {
        tlsMinimumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_2,
        tlsMaximumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_3,
      },
      tlsCertificateSdsSecretConfigs: [secretFromAgent("default")],
      validationContextType: {
        case: "combinedValidationContext",
        value: {
          defaultValidationContext: {
            matchTypedSubjectAltNames: [
              {
                sanType: SubjectAltNameMatcher_SanType.DNS,
                matcher: { matchPattern: { case: "exact", value: serverName } },
              },
            ],
          },
          validationContextSdsSecretConfig: secretFromAgent("ROOTCA"),
        },
      },
    },
  });
  return { name: "envoy.transport_sockets.tls", configType: { case: "typedConfig", value: tls } } as const;
}

function secretFromAgent(name: string) {
  const service = {
    targetSpecifier: { case: "envoyGrpc", value: { clusterName: "sds-grpc" } } as const,
  };
  const source = {
    apiType: ApiConfigSource_ApiType.DELTA_GRPC,
    transportApiVersion: ApiVersion.V3,
    setNodeOnFirstMessageOnly: true,
    grpcServices: [service],
  };
  return {
    name,
    sdsConfig: {
      configSourceSpecifier: { case: "apiConfigSource", value: source },
      initialFetchTimeout: { seconds: 0n },
      resourceApiVersion: ApiVersion.V3,
    },
  } as const;
}

// Connections from this source aren't captured on their way in (Istio's InboundPassthrough uses the same).
const SOURCE_PAST_CAPTURE = "127.0.0.6";

// The port comes with each CONNECT request, so that none needs to be known when Envoy starts.
function buildAppCluster(socketMark: number | undefined): ClusterInit {
  const source = socketAddress(SOURCE_PAST_CAPTURE, 0).address;
  return {
    name: APP_CLUSTER,
    connectTimeout: { seconds: 10n },
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.ORIGINAL_DST },
    lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
    lbConfig: { case: "originalDstLbConfig", value: { useHttpHeader: true } },
    upstreamBindConfig: {
      ...(source?.case === "socketAddress" && { sourceAddress: source.value }),
      ...(socketMark !== undefined && { socketOptions: [markOption(socketMark)] }),
    },
  };
}
