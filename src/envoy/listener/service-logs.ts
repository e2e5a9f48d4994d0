// Access logs that proxies send to a service by gRPC: entries of Envoy's own protocol, or records of OpenTelemetry. A service that
// hangs or is gone costs entries, not requests; what Envoy keeps for it is bounded.

import { ApiVersion } from "../../gen/envoy/config/core/v3/config_source_pb.ts";
import {
  type CommonGrpcAccessLogConfigSchema,
  HttpGrpcAccessLogConfigSchema,
  TcpGrpcAccessLogConfigSchema,
} from "../../gen/envoy/extensions/access_loggers/grpc/v3/als_pb.ts";
import { OpenTelemetryAccessLogConfigSchema } from "../../gen/envoy/extensions/access_loggers/open_telemetry/v3/logs_service_pb.ts";
import type { AnyValueSchema } from "../../gen/opentelemetry/proto/common/v1/common_pb.ts";
import type { OpenTelemetryLog, ServiceLog } from "../../model/log-providers.ts";
import { durationMessage } from "../duration-message.ts";
import type { Plain } from "../encode.ts";
import { buildGrpcService } from "../grpc-service.ts";
import { showingLoggedPath } from "../logged-path.ts";
import { type TypedFilter, typedFilter } from "../typed-filter.ts";

/** Of what a log tells. */
export type Logged = "http" | "tcp" | "refused";

/** Istio's names. */
const defaultLogNames = {
  http: "http_envoy_accesslog",
  tcp: "tcp_envoy_accesslog",
  refused: "listener_envoy_accesslog",
  opentelemetry: "otel_envoy_accesslog",
} as const;

export function buildServiceLogger(log: ServiceLog, logged: Logged): TypedFilter {
  const { entries = logged, filterState, ...headers } = log;
  const commonConfig = {
    ...commonOf(log, defaultLogNames[entries]),
    filterStateObjectsToLog: [...filterState],
  };
  return entries === "http"
    ? typedFilter("envoy.access_loggers.http_grpc", HttpGrpcAccessLogConfigSchema, {
        commonConfig,
        additionalRequestHeadersToLog: [...headers.requestHeaders],
        additionalResponseHeadersToLog: [...headers.responseHeaders],
        additionalResponseTrailersToLog: [...headers.responseTrailers],
      })
    : typedFilter("envoy.access_loggers.tcp_grpc", TcpGrpcAccessLogConfigSchema, { commonConfig });
}

/** `format` is of the body. */
export function buildOpenTelemetryLogger(log: OpenTelemetryLog, format: string): TypedFilter {
  const values = entriesOf(log.labels);
  return typedFilter("envoy.access_loggers.open_telemetry", OpenTelemetryAccessLogConfigSchema, {
    commonConfig: {
      ...commonOf(log, defaultLogNames.opentelemetry),
      grpcStreamRetryPolicy: callLimit,
    },
    disableBuiltinLabels: true,
    body: anyValue(format),
    ...(values.length > 0 && { attributes: { values } }),
  });
}

/** Each batch is a call of its own, which would wait for ever. Envoy ends it after the longest pause between two tries. */
const callLimit = {
  numRetries: 0,
  retryBackOff: { baseInterval: durationMessage("1s"), maxInterval: durationMessage("5s") },
};

function commonOf(
  { logName, server }: Pick<ServiceLog, "logName" | "server">,
  defaultName: string,
): Plain<typeof CommonGrpcAccessLogConfigSchema> {
  return {
    logName: logName || defaultName,
    grpcService: buildGrpcService(server),
    transportApiVersion: ApiVersion.V3,
  };
}

type AnyValueInit = Plain<typeof AnyValueSchema>;

/** Sorted, so that equal labels have equal bytes. */
function entriesOf(labels: Readonly<Record<string, unknown>>) {
  return Object.entries(labels)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, value]) => ({ key, value: anyValue(value) }));
}

/** Envoy takes texts, lists and objects; what else there is in JSON becomes text. */
function anyValue(value: unknown): AnyValueInit {
  if (Array.isArray(value))
    return { value: { case: "arrayValue", value: { values: value.map((each) => anyValue(each)) } } };
  if (typeof value === "object" && value !== null)
    return { value: { case: "kvlistValue", value: { values: entriesOf(value as Record<string, unknown>) } } };
  return { value: { case: "stringValue", value: showingLoggedPath(String(value ?? "")) } };
}
