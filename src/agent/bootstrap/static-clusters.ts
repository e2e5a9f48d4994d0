// The clusters that stand in the bootstrap: control plane, the agent's two sockets, Envoy's own admin, and the app's ports.

import { isIP } from "node:net";
import type { JsonObject } from "@bufbuild/protobuf";
import { appSourcesOf, type IpFamilies } from "../../core/ip-families.ts";
import type { BootstrapOptions, ControlPlaneAddress } from "./bootstrap-options.ts";
import { extension } from "./extension.ts";
import { markOption, pipeAddress, socketAddress } from "./socket-address.ts";

export const APP_CLUSTER = "agent-to-app";
export const ADMIN_CLUSTER = "prometheus_stats";
export const AGENT_CLUSTER = "agent";

export function buildStaticClusters(options: BootstrapOptions): JsonObject[] {
  const { sockets, controlPlane } = options;
  return [
    fixedCluster(ADMIN_CLUSTER, pipeAddress(sockets.admin)),
    fixedCluster(AGENT_CLUSTER, pipeAddress(sockets.agent)),
    { ...fixedCluster("sds-grpc", pipeAddress(sockets.sds)), ...http2Only({}) },
    buildXdsCluster(controlPlane, options.families),
    buildAppCluster(options),
  ];
}

function fixedCluster(name: string, address: JsonObject): JsonObject {
  return {
    name,
    type: "STATIC",
    connectTimeout: "1s",
    loadAssignment: { clusterName: name, endpoints: [{ lbEndpoints: [{ endpoint: { address } }] }] },
  };
}

function http2Only(http2ProtocolOptions: JsonObject): JsonObject {
  const type = "upstreams.http.v3.HttpProtocolOptions";
  return {
    typedExtensionProtocolOptions: {
      [`envoy.extensions.${type}`]: extension(type, { explicitHttpConfig: { http2ProtocolOptions } }),
    },
  };
}

function buildXdsCluster(controlPlane: ControlPlaneAddress, families: IpFamilies = "ipv4"): JsonObject {
  const isUnix = controlPlane.kind === "unix";
  const address = isUnix
    ? pipeAddress(controlPlane.path)
    : socketAddress(controlPlane.host, controlPlane.port);
  const isResolved = isUnix || isIP(controlPlane.host) !== 0;
  const { tlsServerName } = controlPlane;
  return {
    ...fixedCluster("xds-grpc", address),
    ...http2Only({ connectionKeepalive: { interval: "30s", timeout: "10s" } }),
    type: isResolved ? "STATIC" : "STRICT_DNS",
    ...(!isResolved && { dnsLookupFamily: LOOKUP_FAMILIES[families] }),
    ...(tlsServerName !== undefined && { transportSocket: buildXdsTls(tlsServerName) }),
  };
}

// A pod of both families asks for the one that its control plane has.
const LOOKUP_FAMILIES = { ipv4: "V4_ONLY", ipv6: "V6_ONLY", dual: "V4_PREFERRED" };

// Both secrets come from the agent's socket, so that renewing them needs no restart.
function buildXdsTls(serverName: string): JsonObject {
  const typedConfig = extension("transport_sockets.tls.v3.UpstreamTlsContext", {
    sni: serverName,
    commonTlsContext: {
      alpnProtocols: ["h2"],
      tlsParams: { tlsMinimumProtocolVersion: "TLSv1_2", tlsMaximumProtocolVersion: "TLSv1_3" },
      tlsCertificateSdsSecretConfigs: [secretFromAgent("default")],
      combinedValidationContext: {
        defaultValidationContext: {
          matchTypedSubjectAltNames: [{ sanType: "DNS", matcher: { exact: serverName } }],
        },
        validationContextSdsSecretConfig: secretFromAgent("ROOTCA"),
      },
    },
  });
  return { name: "envoy.transport_sockets.tls", typedConfig };
}

// Word for word as listeners and clusters that the control plane makes ask for them: Envoy subscribes a secret once for
// each way in which it is asked for.
function secretFromAgent(name: string): JsonObject {
  const apiConfigSource = {
    apiType: "GRPC",
    transportApiVersion: "V3",
    setNodeOnFirstMessageOnly: true,
    grpcServices: [{ envoyGrpc: { clusterName: "sds-grpc" } }],
  };
  return { name, sdsConfig: { apiConfigSource, initialFetchTimeout: "0s", resourceApiVersion: "V3" } };
}

// The port comes with each CONNECT request, so that none needs to be known when Envoy starts.
function buildAppCluster({ socketMark, families = "ipv4" }: BootstrapOptions): JsonObject {
  const [source, extra] = appSourcesOf(families).map((address) => ({ address, portValue: 0 }));
  return {
    name: APP_CLUSTER,
    type: "ORIGINAL_DST",
    lbPolicy: "CLUSTER_PROVIDED",
    connectTimeout: "10s",
    originalDstLbConfig: { useHttpHeader: true },
    upstreamBindConfig: {
      ...(source !== undefined && { sourceAddress: source }),
      ...(extra !== undefined && { extraSourceAddresses: [{ address: extra }] }),
      ...(socketMark !== undefined && { socketOptions: [markOption(socketMark)] }),
    },
  };
}
