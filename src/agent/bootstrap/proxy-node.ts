// The node that a proxy calls itself: Istio's id and metadata keys, which control planes and `istioctl` read.

import type { JsonObject, MessageInitShape } from "@bufbuild/protobuf";
import type { NodeSchema } from "../../gen/envoy/config/core/v3/base_pb.ts";

export interface ProxyNode {
  readonly type: "sidecar" | "router";
  readonly podName: string;
  readonly namespace: string;
  /** The pod's addresses, the main one first. */
  readonly instanceIps: readonly [string, ...string[]];
  readonly serviceAccount: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Such as the Deployment's name. */
  readonly workloadName: string;
  /** Such as `kubernetes://apis/apps/v1/namespaces/shop/deployments/reviews`. */
  readonly owner?: string;
  readonly meshId: string;
  readonly clusterId: string;
  readonly istioVersion: string;
  /** Default `cluster.local`. */
  readonly dnsDomain?: string;
  readonly interceptionMode?: "REDIRECT" | "TPROXY" | "NONE";
  readonly appContainers?: readonly string[];
  readonly podPorts?: readonly {
    readonly name?: string;
    readonly containerPort: number;
    readonly protocol?: string;
  }[];
  /** The effective ProxyConfig, as JSON. */
  readonly proxyConfig?: JsonObject;
  readonly locality?: { readonly region?: string; readonly zone?: string; readonly subZone?: string };
  readonly nodeName?: string;
  /** From ISTIO_META_…: they win over what is derived. */
  readonly extraMetadata?: JsonObject;
}

/** `sidecar~10.244.0.5~reviews-1.shop~shop.svc.cluster.local` */
export function nodeIdOf(node: ProxyNode): string {
  const { type, podName, namespace, instanceIps, dnsDomain = "cluster.local" } = node;
  return [type, instanceIps[0], `${podName}.${namespace}`, `${namespace}.svc.${dnsDomain}`].join("~");
}

export function buildNode(node: ProxyNode): MessageInitShape<typeof NodeSchema> {
  const { locality } = node;
  return {
    id: nodeIdOf(node),
    cluster: `${node.labels.app ?? node.workloadName}.${node.namespace}`,
    metadata: buildMetadata(node),
    ...(locality !== undefined && { locality }),
  };
}

function buildMetadata(node: ProxyNode): JsonObject {
  const { owner, appContainers, podPorts, proxyConfig, nodeName } = node;
  return {
    NAME: node.podName,
    NAMESPACE: node.namespace,
    SERVICE_ACCOUNT: node.serviceAccount,
    LABELS: node.labels,
    ANNOTATIONS: node.annotations,
    WORKLOAD_NAME: node.workloadName,
    MESH_ID: node.meshId,
    CLUSTER_ID: node.clusterId,
    ISTIO_VERSION: node.istioVersion,
    INSTANCE_IPS: node.instanceIps.join(","),
    INTERCEPTION_MODE: node.interceptionMode ?? "REDIRECT",
    ENVOY_PROMETHEUS_PORT: 15090,
    ENVOY_STATUS_PORT: 15021,
    ...(owner !== undefined && { OWNER: owner }),
    ...(nodeName !== undefined && { NODE_NAME: nodeName }),
    ...(appContainers !== undefined && { APP_CONTAINERS: appContainers.join(",") }),
    // Istio carries the ports as JSON within a string.
    ...(podPorts !== undefined && { POD_PORTS: JSON.stringify(podPorts) }),
    ...(proxyConfig !== undefined && { PROXY_CONFIG: proxyConfig }),
    ...node.extraMetadata,
  };
}
