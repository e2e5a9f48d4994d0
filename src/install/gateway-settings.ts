// What a gateway can be told. The installer's own ingress gateway and the chart of a gateway are built of it alike.

import type { ResourceRequirements } from "../kinds/pod/container.ts";
import type { TypeOf } from "../kinds/schema.ts";
import { choice, flag, integer, list, map, message, text } from "../kinds/schema.ts";
import { servicePort } from "../kinds/service.ts";
import { anywhere, type PodPlacement } from "./pod-placement.ts";

export interface GatewaySettings extends PodPlacement {
  /** Of all of its objects. */
  readonly name: string;
  readonly namespace: string;
  readonly replicas: number;
  readonly imagePullPolicy: (typeof imagePullPolicies)[number];
  /** Empty: what injection says. */
  readonly resources: ResourceRequirements;
  readonly podAnnotations: Readonly<Record<string, string>>;
  readonly service: GatewayService;
}

export const imagePullPolicies = ["Always", "IfNotPresent", "Never"] as const;

export const GATEWAY_NAMESPACE = "meltemi-ingress";

/** Its annotations, and the fields of a Service's spec that its user decides about, as Kubernetes has them. */
export const gatewayService = message({
  annotations: map(text()),
  type: choice("LoadBalancer", "NodePort", "ClusterIP"),
  ports: list(servicePort),
  allocateLoadBalancerNodePorts: flag(),
  clusterIP: text(),
  externalIPs: list(text()),
  externalTrafficPolicy: choice("Cluster", "Local"),
  healthCheckNodePort: integer(0, 65535),
  internalTrafficPolicy: choice("Cluster", "Local"),
  ipFamilies: list(choice("IPv4", "IPv6")),
  ipFamilyPolicy: choice("SingleStack", "PreferDualStack", "RequireDualStack"),
  loadBalancerClass: text(),
  loadBalancerIP: text(),
  loadBalancerSourceRanges: list(text()),
});
export type GatewayService = TypeOf<typeof gatewayService>;

const port = (name: string, number: number, targetPort: number) => ({
  ...{ name, port: number },
  protocol: "TCP" as const,
  targetPort,
});

export const defaultGateway: GatewaySettings = {
  ...anywhere,
  name: "istio-ingressgateway",
  namespace: GATEWAY_NAMESPACE,
  replicas: 2,
  imagePullPolicy: "IfNotPresent",
  resources: {},
  podAnnotations: {},
  service: {
    type: "LoadBalancer",
    annotations: {},
    ports: [port("status-port", 15021, 15021), port("http2", 80, 8080), port("https", 443, 8443)],
  },
};
