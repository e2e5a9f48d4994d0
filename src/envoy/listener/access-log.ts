// Istio's access log: its default line, or the mesh's own format as text or JSON.

import type { JsonObject } from "@bufbuild/protobuf";
import type { AccessLogSchema } from "../../gen/envoy/config/accesslog/v3/accesslog_pb.ts";
import type { SubstitutionFormatStringSchema } from "../../gen/envoy/config/core/v3/substitution_format_string_pb.ts";
import { FileAccessLogSchema } from "../../gen/envoy/extensions/access_loggers/file/v3/file_pb.ts";
import { StdoutAccessLogSchema } from "../../gen/envoy/extensions/access_loggers/stream/v3/stream_pb.ts";
import { claims } from "../../kinds/claims.ts";
import { meshConfigKind } from "../../kinds/mesh-config/mesh-config.ts";
import type { ListenerSettings } from "../../view/listener-inputs.ts";
import { type Plain, typedConfig } from "../encode.ts";
import type { PackedMessage } from "../message-encoder.ts";
import { inSlots, type SlotFeature } from "../slots.ts";

const DEFAULT_TEXT_FORMAT =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% ' +
  "%RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% " +
  '"%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% ' +
  '%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" ' +
  '"%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% ' +
  "%UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% " +
  "%REQUESTED_SERVER_NAME% %ROUTE_NAME%\n";

const DEFAULT_JSON_FORMAT: JsonObject = {
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
  response_code_details: "%RESPONSE_CODE_DETAILS%",
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
};

export type AccessLogInit = Plain<typeof AccessLogSchema>;

/** Loggers of a connection or request, in the order in which they write. */
export const accessLogSlots = ["file", "service", "statistics"] as const;

export type AccessLogFeature = SlotFeature<(typeof accessLogSlots)[number], ListenerSettings, AccessLogInit>;

export const accessLogFeatures: readonly AccessLogFeature[] = [
  {
    slot: "file",
    fields: claims(meshConfigKind, ["spec.accessLogFile", "spec.accessLogFormat", "spec.accessLogEncoding"]),
    build: ({ accessLog }) => (accessLog === undefined ? [] : [fileLogger(accessLog)]),
  },
];

/** Empty where the mesh has no access log. */
export const buildAccessLogs = inSlots(accessLogSlots, accessLogFeatures);

function fileLogger(accessLog: NonNullable<ListenerSettings["accessLog"]>): AccessLogInit {
  const accessLogFormat = { case: "logFormat" as const, value: buildFormat(accessLog) };
  // A sidecar runs as a user of its own, which may write to its inherited output but not reopen it by path.
  return accessLog.path === "/dev/stdout"
    ? logger("envoy.access_loggers.stdout", typedConfig(StdoutAccessLogSchema, { accessLogFormat }))
    : logger(
        "envoy.access_loggers.file",
        typedConfig(FileAccessLogSchema, { path: accessLog.path, accessLogFormat }),
      );
}

function logger(name: string, value: PackedMessage): AccessLogInit {
  return { name, configType: { case: "typedConfig", value } };
}

function buildFormat({
  format,
  isJson,
}: NonNullable<ListenerSettings["accessLog"]>): Plain<typeof SubstitutionFormatStringSchema> {
  if (isJson) {
    const value = format === "" ? DEFAULT_JSON_FORMAT : (JSON.parse(format) as JsonObject);
    return { format: { case: "jsonFormat", value } };
  }
  const inlineString = format === "" ? DEFAULT_TEXT_FORMAT : format;
  return {
    format: { case: "textFormatSource", value: { specifier: { case: "inlineString", value: inlineString } } },
  };
}
