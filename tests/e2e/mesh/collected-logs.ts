// The logs that the collector was sent, read by each protocol's own rules.

import { fromBinary } from "@bufbuild/protobuf";
import type {
  HTTPAccessLogEntry,
  TCPAccessLogEntry,
} from "../../../src/gen/envoy/data/accesslog/v3/accesslog_pb.ts";
import { StreamAccessLogsMessageSchema } from "../../../src/gen/envoy/service/accesslog/v3/als_pb.ts";
import { ExportLogsServiceRequestSchema } from "../../../src/gen/opentelemetry/proto/collector/logs/v1/logs_service_pb.ts";
import type { LogRecord } from "../../../src/gen/opentelemetry/proto/logs/v1/logs_pb.ts";
import type { Received } from "./collector.ts";

export interface CollectedLogs {
  /** `NAME of NODE`, of each stream. */
  readonly streams: readonly string[];
  readonly http: readonly HTTPAccessLogEntry[];
  readonly tcp: readonly TCPAccessLogEntry[];
  readonly records: readonly LogRecord[];
}

export function logsIn(received: readonly Received[]): CollectedLogs {
  const messages = bodiesOf(received, "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs").map(
    (body) => fromBinary(StreamAccessLogsMessageSchema, body),
  );
  const exports = bodiesOf(received, "/opentelemetry.proto.collector.logs.v1.LogsService/Export").map(
    (body) => fromBinary(ExportLogsServiceRequestSchema, body),
  );
  return {
    streams: messages.flatMap(({ identifier: stream }) =>
      stream === undefined ? [] : [`${stream.logName} of ${stream.node?.id}`],
    ),
    http: messages.flatMap(({ logEntries: { value, case: type } }) =>
      type === "httpLogs" ? value.logEntry : [],
    ),
    tcp: messages.flatMap(({ logEntries: { value, case: type } }) =>
      type === "tcpLogs" ? value.logEntry : [],
    ),
    records: exports
      .flatMap(({ resourceLogs }) => resourceLogs)
      .flatMap(({ scopeLogs }) => scopeLogs)
      .flatMap(({ logRecords }) => logRecords),
  };
}

function bodiesOf(received: readonly Received[], wanted: string): readonly Buffer[] {
  return received.flatMap(({ path, body }) => (path === wanted ? [body] : []));
}

/** Of a record, by its key; the body has the key `body`. */
export function textsOf({ body, attributes }: LogRecord): Readonly<Record<string, string>> {
  const named = attributes.map(({ key, value }) => [key, String(value?.value.value)]);
  return { ...Object.fromEntries(named), body: String(body?.value.value) };
}
