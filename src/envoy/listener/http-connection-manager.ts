// The network filter that speaks HTTP: its filters, where its routes come from, and Istio's defaults for it.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { ApiVersion } from "../../gen/envoy/config/core/v3/config_source_pb.ts";
import type { FilterSchema } from "../../gen/envoy/config/listener/v3/listener_components_pb.ts";
import { CorsSchema } from "../../gen/envoy/extensions/filters/http/cors/v3/cors_pb.ts";
import { HTTPFaultSchema } from "../../gen/envoy/extensions/filters/http/fault/v3/fault_pb.ts";
import { FilterConfigSchema as GrpcStatsSchema } from "../../gen/envoy/extensions/filters/http/grpc_stats/v3/config_pb.ts";
import { GrpcWebSchema } from "../../gen/envoy/extensions/filters/http/grpc_web/v3/grpc_web_pb.ts";
import { RouterSchema } from "../../gen/envoy/extensions/filters/http/router/v3/router_pb.ts";
import {
  HttpConnectionManager_ForwardClientCertDetails,
  HttpConnectionManager_PathWithEscapedSlashesAction,
  HttpConnectionManager_ServerHeaderTransformation,
  HttpConnectionManagerSchema,
  type HttpFilterSchema,
} from "../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import type { ListenerSettings } from "../../view/listener-inputs.ts";
import { sniffedAlpnFilter } from "../application-protocol.ts";
import { ZERO_DURATION } from "../duration-message.ts";
import { type Plain, typedConfig } from "../encode.ts";
import { CORS_FILTER } from "../route/cors-policy.ts";
import { FAULT_FILTER } from "../route/fault.ts";
import type { RouteConfigurationInit } from "../route/route-configuration.ts";
import { accessLogs } from "./access-log.ts";

type ConnectionManagerInit = Plain<typeof HttpConnectionManagerSchema>;
type HttpFilterInit = MessageInitShape<typeof HttpFilterSchema>;

/** Which side of which proxy speaks: it decides what is believed of a request's own headers. */
export type HttpSide = "outbound" | "inbound-mutual-tls" | "inbound-plaintext" | "gateway";

export interface HttpConnectionManagerInputs {
  readonly side: HttpSide;
  readonly statPrefix: string;
  readonly routes:
    | { readonly kind: "discovered"; readonly name: string }
    | { readonly kind: "inline"; readonly routeConfiguration: RouteConfigurationInit };
  readonly hasGrpcWeb: boolean;
  readonly settings: ListenerSettings;
}

export const httpConnectionManagerFields: readonly string[] = ["MeshConfig.pathNormalization.*"];

export function httpConnectionManagerFilter(inputs: HttpConnectionManagerInputs): Plain<typeof FilterSchema> {
  return {
    name: "envoy.filters.network.http_connection_manager",
    configType: {
      case: "typedConfig",
      value: typedConfig(HttpConnectionManagerSchema, buildConnectionManager(inputs)),
    },
  };
}

function buildConnectionManager(inputs: HttpConnectionManagerInputs): ConnectionManagerInit {
  const { side, routes, settings } = inputs;
  return {
    statPrefix: inputs.statPrefix,
    routeSpecifier:
      routes.kind === "inline"
        ? { case: "routeConfig", value: routes.routeConfiguration }
        : { case: "rds", value: discoveredRoutes(routes.name) },
    httpFilters: httpFilters(inputs),
    accessLog: accessLogs(settings),
    upgradeConfigs: [{ upgradeType: "websocket" }],
    serverName: "istio-envoy",
    useRemoteAddress: side === "gateway",
    // A stream may stand idle for as long as its two ends want: WebSocket and gRPC streams do.
    streamIdleTimeout: ZERO_DURATION,
    ...clientCertificate(side),
    ...pathNormalization(settings),
    ...(side === "inbound-mutual-tls" || side === "inbound-plaintext"
      ? { serverHeaderTransformation: HttpConnectionManager_ServerHeaderTransformation.PASS_THROUGH }
      : {}),
  };
}

/** X-Forwarded-Client-Cert: a server with mTLS says who called; elsewhere the header is a stranger's claim. */
function clientCertificate(side: HttpSide): ConnectionManagerInit {
  const { APPEND_FORWARD, SANITIZE, SANITIZE_SET } = HttpConnectionManager_ForwardClientCertDetails;
  const setCurrentClientCertDetails = { subject: true, dns: true, uri: true };
  switch (side) {
    case "inbound-mutual-tls":
      return { forwardClientCertDetails: APPEND_FORWARD, setCurrentClientCertDetails };
    case "gateway":
      return {
        forwardClientCertDetails: SANITIZE_SET,
        setCurrentClientCertDetails: { subject: true, cert: true, dns: true, uri: true },
      };
    case "inbound-plaintext":
      return { forwardClientCertDetails: SANITIZE };
    case "outbound":
      return {};
  }
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

function httpFilters({ side, hasGrpcWeb }: HttpConnectionManagerInputs): HttpFilterInit[] {
  const isClientSide = side === "outbound" || side === "gateway";
  return [
    ...(hasGrpcWeb ? [httpFilter("envoy.filters.http.grpc_web", typedConfig(GrpcWebSchema, {}))] : []),
    httpFilter("envoy.filters.http.grpc_stats", typedConfig(GrpcStatsSchema, { emitFilterState: true })),
    ...(isClientSide ? [sniffedAlpnFilter()] : []),
    httpFilter(FAULT_FILTER, typedConfig(HTTPFaultSchema, {})),
    httpFilter(CORS_FILTER, typedConfig(CorsSchema, {})),
    httpFilter("envoy.filters.http.router", typedConfig(RouterSchema, {})),
  ];
}

function httpFilter(name: string, value: ReturnType<typeof typedConfig>): HttpFilterInit {
  return { name, configType: { case: "typedConfig", value } };
}
