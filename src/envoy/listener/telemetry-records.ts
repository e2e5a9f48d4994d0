// One line on Envoy's standard output for each request and connection, of which the pod's agent makes Istio's metrics. It
// is the same for all services: what differs is read from the connection, so no listener changes for it.

import {
  FIELD_SEPARATOR,
  type HttpRecordField,
  type HttpRecordValue,
  httpRecordFields,
  httpRecordValues,
  RECORD_MARK,
  RECORDS_RUNTIME_KEY,
  type RecordSide,
  type TcpRecordField,
  type TcpRecordValue,
  tcpRecordFields,
  tcpRecordValues,
  VALUE_SEPARATOR,
} from "../../core/telemetry-record.ts";
import type { AccessLogFilterSchema } from "../../gen/envoy/config/accesslog/v3/accesslog_pb.ts";
import { StdoutAccessLogSchema } from "../../gen/envoy/extensions/access_loggers/stream/v3/stream_pb.ts";
import { type Plain, typedConfig } from "../encode.ts";
import type { AccessLogInit, ProxySide } from "./filter-chain-inputs.ts";

/** Who is at the other end: behind an inbound chain the caller, else whoever is called. */
const ofCaller = {
  peerPrincipal: "%DOWNSTREAM_PEER_URI_SAN%",
  localPrincipal: "%DOWNSTREAM_LOCAL_URI_SAN%",
  peerSubject: "%DOWNSTREAM_PEER_SUBJECT%",
  endpoint: "",
};
const ofCalled = {
  peerPrincipal: "%UPSTREAM_PEER_URI_SAN%",
  localPrincipal: "%UPSTREAM_LOCAL_URI_SAN%",
  peerSubject: "%UPSTREAM_PEER_SUBJECT%",
  endpoint: "%UPSTREAM_METADATA(istio:workload)%",
};
const ofNobody = { peerPrincipal: "", localPrincipal: "", peerSubject: "", endpoint: "" };

const sides: Readonly<Record<ProxySide, { readonly side: RecordSide } & typeof ofNobody>> = {
  outbound: { side: "c", ...ofCalled },
  gateway: { side: "c", ...ofCalled },
  "inbound-mutual-tls": { side: "m", ...ofCaller },
  "inbound-plaintext": { side: "p", ...ofNobody },
};

/** The side, and who is at the other end of it. */
export function peerCommands(side: ProxySide) {
  return sides[side];
}

const common = {
  responseFlags: "%RESPONSE_FLAGS%",
  cluster: "%UPSTREAM_CLUSTER_RAW%",
  service: "%CLUSTER_METADATA(meltemi:service)%",
};

const httpValues: Readonly<Record<HttpRecordValue, string>> = {
  durationMs: "%DURATION%",
  requestBytes: "%DOWNSTREAM_WIRE_BYTES_RECEIVED%",
  responseBytes: "%DOWNSTREAM_WIRE_BYTES_SENT%",
  messages: "%FILTER_STATE(envoy.filters.http.grpc_stats:PLAIN)%",
};

const tcpValues: Readonly<Record<TcpRecordValue, string>> = {
  event: "%ACCESS_LOG_TYPE%",
  connectionId: "%CONNECTION_ID%",
  receivedBytes: "%DOWNSTREAM_WIRE_BYTES_RECEIVED%",
  sentBytes: "%DOWNSTREAM_WIRE_BYTES_SENT%",
};

/** Names a destination that is no service of the mesh. Elsewhere strangers could make labels by it, so Istio takes none there. */
const MAX_AUTHORITY_CHARACTERS = 128;

export function buildTelemetryRecords({
  kind,
  side,
}: {
  readonly kind: "http" | "tcp";
  readonly side: ProxySide;
}): AccessLogInit {
  const inlineString = kind === "http" ? httpRecord(side) : tcpRecord(side);
  const accessLogFormat = {
    case: "logFormat" as const,
    value: {
      omitEmptyValues: true,
      format: {
        case: "textFormatSource" as const,
        value: { specifier: { case: "inlineString" as const, value: inlineString } },
      },
    },
  };
  return {
    name: "envoy.access_loggers.stdout",
    filter: whereAsked,
    configType: { case: "typedConfig", value: typedConfig(StdoutAccessLogSchema, { accessLogFormat }) },
  };
}

const whereAsked: Plain<typeof AccessLogFilterSchema> = {
  filterSpecifier: {
    case: "runtimeFilter",
    value: {
      runtimeKey: RECORDS_RUNTIME_KEY,
      percentSampled: { numerator: 0 },
      // Else the request's id decides, which a caller chooses.
      useIndependentRandomness: true,
    },
  },
};

function httpRecord(side: ProxySide): string {
  const commands: Readonly<Record<HttpRecordField, string>> = {
    ...sides[side],
    ...common,
    responseCode: "%RESPONSE_CODE%",
    grpcStatus: "%GRPC_STATUS_NUMBER%",
    routeName: "%ROUTE_NAME%",
    authority: side === "outbound" ? `%REQ(:AUTHORITY):${MAX_AUTHORITY_CHARACTERS}%` : "",
  };
  const fields = httpRecordFields.map((field) => commands[field]);
  return record(
    "H",
    fields,
    httpRecordValues.map((value) => httpValues[value]),
  );
}

function tcpRecord(side: ProxySide): string {
  const commands: Readonly<Record<TcpRecordField, string>> = { ...sides[side], ...common };
  const fields = tcpRecordFields.map((field) => commands[field]);
  return record(
    "T",
    fields,
    tcpRecordValues.map((value) => tcpValues[value]),
  );
}

function record(kind: "H" | "T", fields: readonly string[], values: readonly string[]): string {
  const labels = fields.join(FIELD_SEPARATOR);
  return `${RECORD_MARK}${kind}${labels}${values.map((value) => `${VALUE_SEPARATOR}${value}`).join("")}\n`;
}
