// Sidecar: which hosts the proxies of a namespace or of chosen workloads know, and what they open for inbound traffic.

import { selectorAdmission } from "../admission.ts";
import type { ObjectOf } from "../define-kind.ts";
import { defineKind } from "../define-kind.ts";
import { connectionPoolSettings } from "../destination-rule/connection-pool.ts";
import { serverTlsSettings } from "../gateway/server.ts";
import type { TypeOf } from "../schema.ts";
import { anything, choice, list, message, text, uint32 } from "../schema.ts";
import { destination } from "../virtual-service/destination.ts";
import { labelsSelector } from "../workload-selector.ts";
import { sidecarRules } from "./rules.ts";

/** `SidecarPort` */
export const sidecarPort = message({
  number: uint32(),
  protocol: text(),
  name: text(),
  targetPort: uint32(), // deprecated
});

/** `CaptureMode` */
export const captureMode = choice("DEFAULT", "IPTABLES", "NONE");

/** `IstioIngressListener` */
export const sidecarIngressListener = message(
  {
    bind: text(),
    captureMode,
    defaultEndpoint: text(),
    tls: serverTlsSettings,
    connectionPool: connectionPoolSettings,
  },
  { required: { port: sidecarPort } },
);

/** `IstioEgressListener` */
export const sidecarEgressListener = message(
  { port: sidecarPort, bind: text(), captureMode },
  { required: { hosts: list(text()) } },
);

/** `OutboundTrafficPolicy` */
export const outboundTrafficPolicy = message({
  mode: choice("REGISTRY_ONLY", "ALLOW_ANY"),
  egressProxy: destination,
});

export const sidecarSpec = message({
  workloadSelector: labelsSelector,
  ingress: list(sidecarIngressListener),
  egress: list(sidecarEgressListener),
  inboundConnectionPool: connectionPoolSettings,
  outboundTrafficPolicy,
});

export const sidecarKind = defineKind({
  kind: "Sidecar",
  group: "networking.istio.io",
  versions: { served: ["v1", "v1beta1", "v1alpha3"], storage: "v1" },
  plural: "sidecars",
  scope: "Namespaced",
  description:
    "Which hosts the proxies of a namespace, or of chosen workloads, know and can reach, and what they open for traffic to their own workload.",
  fields: { spec: sidecarSpec, status: anything() },
  rules: [sidecarRules],
  admission: selectorAdmission("spec.workloadSelector.labels"),
});

export type Sidecar = ObjectOf<typeof sidecarKind>;
export type SidecarSpec = TypeOf<typeof sidecarSpec>;
export type SidecarPort = TypeOf<typeof sidecarPort>;
export type SidecarIngressListener = TypeOf<typeof sidecarIngressListener>;
export type SidecarEgressListener = TypeOf<typeof sidecarEgressListener>;
