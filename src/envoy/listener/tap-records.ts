// One line on Envoy's standard output for each request and connection while somebody taps the proxy. It stays in every
// listener, behind a runtime key: no listener changes when a tap begins, and until then it costs a look at the key.

import { TAP_RUNTIME_KEY, type TapHeader, tapFormat, tapHeaders } from "../../core/tap-record.ts";
import type { AccessLogFilterSchema } from "../../gen/envoy/config/accesslog/v3/accesslog_pb.ts";
import { StdoutAccessLogSchema } from "../../gen/envoy/extensions/access_loggers/stream/v3/stream_pb.ts";
import { type Plain, typedConfig } from "../encode.ts";
import { showingLoggedPath } from "../logged-path.ts";
import type { AccessLogInit, ProxySide } from "./filter-chain-inputs.ts";
import { peerCommands } from "./telemetry-records.ts";

export interface TapRecordInputs {
  readonly kind: "http" | "tcp";
  readonly side: ProxySide;
  /** What became of it, and which policy refused: as the access log has it. */
  readonly details: string;
}

/** What is longer is cut: a line is a person's to read. */
const MAX_PATH_CHARACTERS = 512;
const MAX_HEADER_CHARACTERS = 256;

const common = {
  startMs: "%START_TIME(%s%3f)%",
  durationMs: "%DURATION%",
  flags: "%RESPONSE_FLAGS%",
  failure: "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
  cluster: "%UPSTREAM_CLUSTER_RAW%",
  service: "%CLUSTER_METADATA(meltemi:service)%",
  clusterFrom: "%CLUSTER_METADATA(meltemi:from)%",
  address: "%UPSTREAM_HOST%",
  callerAddress: "%DOWNSTREAM_REMOTE_ADDRESS%",
  receivedBytes: "%DOWNSTREAM_WIRE_BYTES_RECEIVED%",
  sentBytes: "%DOWNSTREAM_WIRE_BYTES_SENT%",
};

const http = {
  method: "%REQ(:METHOD)%",
  authority: `%REQ(:AUTHORITY):${MAX_HEADER_CHARACTERS}%`,
  path: showingLoggedPath(`%REQ(X-ENVOY-ORIGINAL-PATH?:PATH):${MAX_PATH_CHARACTERS}%`),
  protocol: "%PROTOCOL%",
  status: "%RESPONSE_CODE%",
  grpcStatus: "%GRPC_STATUS_NUMBER%",
  route: "%ROUTE_NAME%",
  routeFrom: "%METADATA(ROUTE:meltemi:from)%",
  ...(Object.fromEntries(
    tapHeaders.map((header) => [header, `%REQ(${header.toUpperCase()}):${MAX_HEADER_CHARACTERS}%`]),
  ) as Readonly<Record<TapHeader, string>>),
};

const tcp = {
  event: "%ACCESS_LOG_TYPE%",
  connectionId: "%CONNECTION_ID%",
  serverName: `%REQUESTED_SERVER_NAME%`,
};

export function buildTapRecords({ kind, side, details }: TapRecordInputs): AccessLogInit {
  const commands = { ...common, ...peerCommands(side), details, ...(kind === "http" ? http : tcp) };
  const inlineString = tapFormat(kind, commands);
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
    filter: whileTapped,
    configType: { case: "typedConfig", value: typedConfig(StdoutAccessLogSchema, { accessLogFormat }) },
  };
}

const whileTapped: Plain<typeof AccessLogFilterSchema> = {
  filterSpecifier: {
    case: "runtimeFilter",
    value: {
      runtimeKey: TAP_RUNTIME_KEY,
      percentSampled: { numerator: 0 },
      // Else the request's id decides, which a caller chooses.
      useIndependentRandomness: true,
    },
  },
};
