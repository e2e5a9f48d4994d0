// Istio's access log: its default line, or the mesh's own format as text or JSON; and what else is logged beside it.

import type { JsonObject } from "@bufbuild/protobuf";
import type { AccessLogFilterSchema } from "../../gen/envoy/config/accesslog/v3/accesslog_pb.ts";
import type { SubstitutionFormatStringSchema } from "../../gen/envoy/config/core/v3/substitution_format_string_pb.ts";
import { AccessLogType } from "../../gen/envoy/data/accesslog/v3/accesslog_pb.ts";
import { FileAccessLogSchema } from "../../gen/envoy/extensions/access_loggers/file/v3/file_pb.ts";
import { ExpressionFilterSchema } from "../../gen/envoy/extensions/access_loggers/filters/cel/v3/cel_pb.ts";
import { StdoutAccessLogSchema } from "../../gen/envoy/extensions/access_loggers/stream/v3/stream_pb.ts";
import type { AccessLog, FileLog } from "../../model/log-providers.ts";
import type { ListenerSettings } from "../../view/listener-inputs.ts";
import { type Plain, typedConfig } from "../encode.ts";
import { showingLoggedPath } from "../logged-path.ts";
import type { PackedMessage } from "../message-encoder.ts";
import { ASKING_RULE, CONNECTION_DENIAL, celExtract, RESPONSE_DETAILS } from "../policy-slot/denial.ts";
import { inSlots, type SlotFeature } from "../slots.ts";
import type { AccessLogInit, ProxySide } from "./filter-chain-inputs.ts";
import { buildOpenTelemetryLogger, buildServiceLogger, type Logged } from "./service-logs.ts";
import { buildTapRecords } from "./tap-records.ts";
import { buildTelemetryRecords } from "./telemetry-records.ts";

const defaultTextFormat = (details: string) =>
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% ' +
  `%RESPONSE_FLAGS% ${details} %CONNECTION_TERMINATION_DETAILS% ` +
  '"%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% ' +
  '%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" ' +
  '"%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% ' +
  "%UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% " +
  "%REQUESTED_SERVER_NAME% %ROUTE_NAME%\n";

const defaultJsonFormat = (details: string): JsonObject => ({
  authority: "%REQ(:AUTHORITY)%",
  bytes_received: "%BYTES_RECEIVED%",
  bytes_sent: "%BYTES_SENT%",
  connection_termination_details: "%CONNECTION_TERMINATION_DETAILS%",
  downstream_local_address: "%DOWNSTREAM_LOCAL_ADDRESS%",
  downstream_remote_address: "%DOWNSTREAM_REMOTE_ADDRESS%",
  duration: "%DURATION%",
  method: "%REQ(:METHOD)%",
  path: "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
  protocol: "%PROTOCOL%",
  request_id: "%REQ(X-REQUEST-ID)%",
  requested_server_name: "%REQUESTED_SERVER_NAME%",
  response_code: "%RESPONSE_CODE%",
  response_code_details: details,
  response_flags: "%RESPONSE_FLAGS%",
  route_name: "%ROUTE_NAME%",
  start_time: "%START_TIME%",
  upstream_cluster: "%UPSTREAM_CLUSTER_RAW%",
  upstream_host: "%UPSTREAM_HOST%",
  upstream_local_address: "%UPSTREAM_LOCAL_ADDRESS%",
  upstream_service_time: "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%",
  upstream_transport_failure_reason: "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
  user_agent: "%REQ(USER-AGENT)%",
  x_forwarded_for: "%REQ(X-FORWARDED-FOR)%",
});

export interface AccessLogInputs {
  readonly settings: ListenerSettings;
  /** Of what the log tells. */
  readonly kind: "http" | "tcp";
  readonly side: ProxySide;
}

/** Loggers of a connection or request, in the order in which they write. */
export const accessLogSlots = ["provider", "statistics", "tap"] as const;

export type AccessLogFeature = SlotFeature<(typeof accessLogSlots)[number], AccessLogInputs, AccessLogInit>;

export const accessLogFeatures: readonly AccessLogFeature[] = [
  {
    slot: "provider",
    // What is logged where is the model's to say.
    fields: [],
    build: ({ settings: { accessLogs = [] }, ...logged }) =>
      accessLogs.map((log) => {
        const filters = [...(logged.kind === "tcp" ? [onceAConnection] : []), ...whereTrue(log)];
        return { ...loggerOf(log, logged.kind, detailsOf(logged)), ...allOf(filters) };
      }),
  },
  { slot: "statistics", fields: [], build: ({ kind, side }) => [buildTelemetryRecords({ kind, side })] },
  {
    slot: "tap",
    fields: [],
    build: ({ kind, side }) => [buildTapRecords({ kind, side, details: tapDetails({ kind, side }) })],
  },
];

type AccessLogFilter = Plain<typeof AccessLogFilterSchema>;

/** Bytes are told to the agent while a connection lives; everybody else is told once. */
const onceAConnection: AccessLogFilter = {
  filterSpecifier: { case: "logTypeFilter", value: { types: [AccessLogType.TcpConnectionEnd] } },
};

function whereTrue({ filter }: AccessLog): readonly AccessLogFilter[] {
  return filter === undefined ? [] : [expressionFilter(filter)];
}

function expressionFilter(expression: string): AccessLogFilter {
  const value = logger(
    "envoy.access_loggers.extension_filters.cel",
    typedConfig(ExpressionFilterSchema, { expression }),
  );
  return { filterSpecifier: { case: "extensionFilter", value } };
}

function allOf(filters: readonly AccessLogFilter[]): Pick<AccessLogInit, "filter"> {
  const [first, ...others] = filters;
  if (first === undefined) return {};
  if (others.length === 0) return { filter: first };
  return { filter: { filterSpecifier: { case: "andFilter", value: { filters: [...filters] } } } };
}

export const buildAccessLogs = inSlots(accessLogSlots, accessLogFeatures);

/** In the default formats: what Envoy says, and which policy refuses where it doesn't say so. */
function detailsOf({ kind, side }: Pick<AccessLogInputs, "kind" | "side">): string {
  if (side === "outbound" || (side === "gateway" && kind === "tcp")) return "%RESPONSE_CODE_DETAILS%";
  // Of connections Envoy has no details.
  if (kind === "tcp") return `%FILTER_STATE(${CONNECTION_DENIAL}:PLAIN)%`;
  const isAsked = `${RESPONSE_DETAILS} == '${PROVIDER_DENIAL}'`;
  const asking = celExtract(ASKING_RULE, "(.+)", String.raw`${PROVIDER_DENIAL}[\\1]`);
  return `%CEL(${isAsked} ? ${asking} : ${RESPONSE_DETAILS})%`;
}

/** Of a connection both: Envoy's reason for ending it, and the policy that refused it. */
function tapDetails(logged: Pick<AccessLogInputs, "kind" | "side">): string {
  const details = detailsOf(logged);
  return logged.kind === "tcp" ? `${details}%CONNECTION_TERMINATION_DETAILS%` : details;
}

const PROVIDER_DENIAL = "ext_authz_denied";

/**
 * A line, in the same file and format, for each connection that is refused before anything could be asked on it: no
 * chain takes it, as in Istio, or its TLS handshake fails. The reason is where that of an upstream would be.
 */
export function buildRefusedConnectionLogs({
  accessLogs = [],
  ignoresRefusedConnections,
}: ListenerSettings): AccessLogInit[] {
  if (ignoresRefusedConnections) return [];
  return accessLogs.map((log) => {
    const filters = [refusedConnections(), ...whereTrue(log)];
    return { ...loggerOf(ofRefused(log), "refused", REFUSAL_DETAILS), ...allOf(filters) };
  });
}

const REFUSAL_DETAILS = "%RESPONSE_CODE_DETAILS%";

/** Entries of Envoy's own protocol have fields for both reasons. */
function ofRefused(log: AccessLog): AccessLog {
  if (log.kind === "service") return log;
  const format = formatText(log, REFUSAL_DETAILS).replaceAll(
    "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
    "%DOWNSTREAM_TRANSPORT_FAILURE_REASON%",
  );
  return { ...log, format };
}

function refusedConnections(): AccessLogFilter {
  const noChain = { case: "responseFlagFilter" as const, value: { flags: ["NR"] } };
  // The TLS inspector leaves a reason too, "TLS_error|…", on each connection that isn't TLS.
  const reason = "connection.transport_failure_reason";
  const handshake = expressionFilter(`has(${reason}) && ${reason}.startsWith("TLS_error:")`);
  return {
    filterSpecifier: { case: "orFilter", value: { filters: [{ filterSpecifier: noChain }, handshake] } },
  };
}

function loggerOf(log: AccessLog, logged: Logged, details: string): AccessLogInit {
  switch (log.kind) {
    case "file":
      return fileLogger(log, details);
    case "service":
      return buildServiceLogger(log, logged);
    case "opentelemetry":
      return buildOpenTelemetryLogger(log, formatText(log, details));
  }
}

function fileLogger(accessLog: FileLog, details: string): AccessLogInit {
  const accessLogFormat = { case: "logFormat" as const, value: buildFormat(accessLog, details) };
  // A sidecar runs as a user of its own, which may write to its inherited output but not reopen it by path.
  return accessLog.path === "/dev/stdout"
    ? logger("envoy.access_loggers.stdout", typedConfig(StdoutAccessLogSchema, { accessLogFormat }))
    : logger(
        "envoy.access_loggers.file",
        typedConfig(FileAccessLogSchema, { path: accessLog.path, accessLogFormat }),
      );
}

function logger(name: string, value: PackedMessage) {
  return { name, configType: { case: "typedConfig" as const, value } };
}

/** The mesh's own, or Istio's default; JSON as text too. */
function formatText(
  { format, isJson = false }: { readonly format: string; readonly isJson?: boolean },
  details: string,
): string {
  if (format !== "") return format;
  return isJson ? JSON.stringify(defaultJsonFormat(details)) : defaultTextFormat(details);
}

function buildFormat(accessLog: FileLog, details: string): Plain<typeof SubstitutionFormatStringSchema> {
  const text = formatText(accessLog, details);
  const omitEmptyValues = accessLog.omitsEmptyValues === true;
  if (accessLog.isJson) {
    const showText = (_: string, each: unknown) =>
      typeof each === "string" ? showingLoggedPath(each) : each;
    return {
      format: { case: "jsonFormat", value: JSON.parse(text, showText) as JsonObject },
      ...(omitEmptyValues && { omitEmptyValues }),
    };
  }
  const inlineString = showingLoggedPath(text);
  return {
    format: { case: "textFormatSource", value: { specifier: { case: "inlineString", value: inlineString } } },
    ...(omitEmptyValues && { omitEmptyValues }),
  };
}
