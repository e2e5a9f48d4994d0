// The network filter that speaks HTTP: its filters, where its routes come from, and Istio's defaults for it.

import { ApiVersion } from "../../gen/envoy/config/core/v3/config_source_pb.ts";
import type { FilterSchema } from "../../gen/envoy/config/listener/v3/listener_components_pb.ts";
import {
  HttpConnectionManager_ForwardClientCertDetails,
  HttpConnectionManager_PathWithEscapedSlashesAction,
  HttpConnectionManager_ServerHeaderTransformation,
  HttpConnectionManagerSchema,
} from "../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { type ClaimedField, claims } from "../../kinds/claims.ts";
import { meshConfigKind } from "../../kinds/mesh-config/mesh-config.ts";
import type {
  ClientCertificateForwarding,
  GatewayTopology,
  ListenerSettings,
} from "../../view/listener-inputs.ts";
import { ZERO_DURATION } from "../duration-message.ts";
import type { Plain } from "../encode.ts";
import { typedFilter } from "../typed-filter.ts";
import { buildAccessLogs } from "./access-log.ts";
import type { HttpForward, ProxySide } from "./filter-chain-inputs.ts";
import { buildHttpFilters } from "./http-filters.ts";
import { buildTracing } from "./tracing.ts";

type ConnectionManagerInit = Plain<typeof HttpConnectionManagerSchema>;

interface ConnectionManagerInputs {
  readonly forward: HttpForward;
  readonly settings: ListenerSettings;
}

/** Says some of the manager's fields, which no other feature says. */
export interface ConnectionManagerFeature {
  readonly fields: readonly ClaimedField[];
  readonly build: (inputs: ConnectionManagerInputs) => ConnectionManagerInit;
}

const TOPOLOGY = "spec.defaultConfig.gatewayTopology";

export const connectionManagerFeatures: readonly ConnectionManagerFeature[] = [
  {
    fields: [],
    build: ({ forward: { statPrefix, routeName } }) => ({
      statPrefix,
      routeSpecifier: { case: "rds", value: discoveredRoutes(routeName) },
      serverName: "istio-envoy",
    }),
  },
  { fields: [], build: ({ forward }) => ({ httpFilters: buildHttpFilters(forward) }) },
  {
    fields: [],
    build: ({ forward: { kind, side }, settings }) => ({
      accessLog: buildAccessLogs({ settings, kind, side }),
    }),
  },
  {
    fields: [],
    build: ({ forward: { side }, settings: { tracing } }) => buildTracing({ tracing, side }),
  },
  { fields: [], build: () => ({ upgradeConfigs: [{ upgradeType: "websocket" }] }) },
  // A stream may stand idle for as long as its two ends want: WebSocket and gRPC streams do.
  { fields: [], build: () => ({ streamIdleTimeout: ZERO_DURATION }) },
  {
    fields: claims(meshConfigKind, [`${TOPOLOGY}.numTrustedProxies`]),
    build: ({ forward: { side }, settings: { topology } }) => ({
      useRemoteAddress: side === "gateway",
      ...(topology && { xffNumTrustedHops: topology.trustedProxyCount }),
    }),
  },
  // One host under two names would have one of them outside of what policies say of hosts.
  { fields: [], build: ({ forward: { side } }) => ({ stripTrailingHostDot: side !== "outbound" }) },
  {
    fields: claims(meshConfigKind, [`${TOPOLOGY}.forwardClientCertDetails`]),
    build: ({ forward: { side }, settings: { topology } }) => clientCertificate(side, topology),
  },
  {
    fields: claims(meshConfigKind, ["spec.pathNormalization.normalization"]),
    build: ({ settings }) => pathNormalization(settings),
  },
  // The application's own `server` header stays.
  { fields: [], build: ({ forward: { side } }) => (isInbound(side) ? PASS_SERVER_HEADER : {}) },
];

export function httpConnectionManagerFilter(
  forward: HttpForward,
  settings: ListenerSettings,
): Plain<typeof FilterSchema> {
  const said = connectionManagerFeatures.map(({ build }) => build({ forward, settings }));
  return typedFilter(
    "envoy.filters.network.http_connection_manager",
    HttpConnectionManagerSchema,
    Object.assign({}, ...said) as ConnectionManagerInit,
  );
}

function isInbound(side: ProxySide): boolean {
  return side === "inbound-mutual-tls" || side === "inbound-plaintext";
}

const PASS_SERVER_HEADER: ConnectionManagerInit = {
  serverHeaderTransformation: HttpConnectionManager_ServerHeaderTransformation.PASS_THROUGH,
};

/** X-Forwarded-Client-Cert: a server with mTLS says who called; elsewhere the header is a stranger's claim. */
function clientCertificate(side: ProxySide, topology: GatewayTopology | undefined): ConnectionManagerInit {
  const { APPEND_FORWARD, SANITIZE } = HttpConnectionManager_ForwardClientCertDetails;
  const setCurrentClientCertDetails = { subject: true, dns: true, uri: true };
  switch (side) {
    case "inbound-mutual-tls":
      return { forwardClientCertDetails: APPEND_FORWARD, setCurrentClientCertDetails };
    case "gateway":
      return certificateAtGateway(topology?.clientCertificates ?? "SANITIZE_SET");
    case "inbound-plaintext":
      return { forwardClientCertDetails: SANITIZE };
    case "outbound":
      return {};
  }
}

/** The client's own certificate is told only where the mode writes it. */
function certificateAtGateway(mode: ClientCertificateForwarding): ConnectionManagerInit {
  const forwardClientCertDetails = HttpConnectionManager_ForwardClientCertDetails[mode];
  if (mode !== "SANITIZE_SET" && mode !== "APPEND_FORWARD") return { forwardClientCertDetails };
  return {
    forwardClientCertDetails,
    setCurrentClientCertDetails: { subject: true, cert: true, dns: true, uri: true },
  };
}

function pathNormalization({ pathNormalization: level }: ListenerSettings): ConnectionManagerInit {
  const { KEEP_UNCHANGED, UNESCAPE_AND_FORWARD } = HttpConnectionManager_PathWithEscapedSlashesAction;
  return {
    normalizePath: level !== "NONE",
    mergeSlashes: level === "MERGE_SLASHES" || level === "DECODE_AND_MERGE_SLASHES",
    pathWithEscapedSlashesAction:
      level === "DECODE_AND_MERGE_SLASHES" ? UNESCAPE_AND_FORWARD : KEEP_UNCHANGED,
  };
}

function discoveredRoutes(routeConfigName: string) {
  return {
    routeConfigName,
    configSource: {
      configSourceSpecifier: { case: "ads" as const, value: {} },
      initialFetchTimeout: ZERO_DURATION,
      resourceApiVersion: ApiVersion.V3,
    },
  };
}
