// The schema of the spec of kind Sidecar, and the types that follow from it.

import { connectionPoolSettings } from "../destination-rule/connection-pool.ts";
import { serverTlsSettings } from "../gateway/server.ts";
import type { TypeOf } from "../schema.ts";
import { choice, list, message, text, uint32 } from "../schema.ts";
import { destination } from "../virtual-service/destination.ts";
import { labelsSelector } from "../workload-selector.ts";

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

export type SidecarSpec = TypeOf<typeof sidecarSpec>;
export type SidecarPort = TypeOf<typeof sidecarPort>;
export type SidecarIngressListener = TypeOf<typeof sidecarIngressListener>;
export type SidecarEgressListener = TypeOf<typeof sidecarEgressListener>;
