// Service: a name and a virtual IP for the pods that its selector finds.

import type { ObjectOf } from "./define-kind.ts";
import { defineKind } from "./define-kind.ts";
import { isDnsLabel } from "./object-name.ts";
import type { TypeOf } from "./schema.ts";
import {
  anything,
  choice,
  flag,
  int32,
  integer,
  intOrString,
  list,
  map,
  message,
  port,
  text,
} from "./schema.ts";
import type { Findings } from "./value-rules.ts";

export const servicePort = message(
  {
    name: text(),
    protocol: choice("TCP", "UDP", "SCTP"),
    appProtocol: text(),
    targetPort: intOrString(),
    nodePort: integer(0, 65535),
  },
  { required: { port: port() } },
);

export const serviceSpec = message({
  allocateLoadBalancerNodePorts: flag(),
  clusterIP: text(),
  clusterIPs: list(text()),
  externalIPs: list(text()),
  externalName: text(),
  externalTrafficPolicy: choice("Cluster", "Local"),
  healthCheckNodePort: integer(0, 65535),
  internalTrafficPolicy: choice("Cluster", "Local"),
  ipFamilies: list(choice("IPv4", "IPv6")),
  ipFamilyPolicy: choice("SingleStack", "PreferDualStack", "RequireDualStack"),
  loadBalancerClass: text(),
  loadBalancerIP: text(),
  loadBalancerSourceRanges: list(text()),
  ports: list(servicePort),
  publishNotReadyAddresses: flag(),
  selector: map(text()),
  sessionAffinity: choice("ClientIP", "None"),
  sessionAffinityConfig: message({ clientIP: message({ timeoutSeconds: int32() }) }),
  trafficDistribution: text(),
  type: choice("ClusterIP", "NodePort", "LoadBalancer", "ExternalName"),
});

export const serviceKind = defineKind({
  kind: "Service",
  group: "",
  versions: { served: ["v1"], storage: "v1" },
  plural: "services",
  shortNames: ["svc"],
  scope: "Namespaced",
  roles: ["modeled", "followed"],
  fields: { spec: serviceSpec, status: anything() },
  columns: [
    { title: "Type", path: "spec.type", otherwise: "ClusterIP" },
    { title: "Cluster-IP", path: "spec.clusterIP" },
    { title: "Ports", path: "spec.ports" },
  ],
  rules: [portRules],
});

export type Service = ObjectOf<typeof serviceKind>;
export type ServiceSpec = TypeOf<typeof serviceSpec>;
export type ServicePort = TypeOf<typeof servicePort>;

function* portRules({ spec }: { readonly spec?: ServiceSpec }): Findings {
  const ports = spec?.ports ?? [];
  const needsPorts = spec !== undefined && spec.type !== "ExternalName" && spec.clusterIP !== "None";
  if (needsPorts && ports.length === 0) {
    yield { code: "MLT1006", path: "spec.ports", message: "a Service needs at least one port" };
  }
  const names = new Set<string>();
  const numbers = new Set<string>();
  for (const [index, { name = "", port, protocol = "TCP" }] of ports.entries()) {
    const path = `spec.ports[${index}]`;
    if (name === "" && ports.length > 1) {
      yield { code: "MLT1006", path: `${path}.name`, message: "of several ports each needs a name" };
    }
    if (name !== "" && !isDnsLabel(name)) {
      yield {
        path: `${path}.name`,
        message: `"${name}" isn't a port's name, wanted a DNS label such as "http"`,
      };
    }
    if (name !== "" && names.has(name))
      yield { path: `${path}.name`, message: `there are two ports "${name}"` };
    const number = `${port}/${protocol}`;
    if (numbers.has(number)) yield { path: `${path}.port`, message: `there are two ports ${number}` };
    names.add(name);
    numbers.add(number);
  }
}
