// What a proxy tells its agent of a request or connection while somebody taps it, as one line on Envoy's standard
// output. The control plane writes the format, the agent reads the lines; both go by this list.

import { printable } from "./printable.ts";
import { FIELD_SEPARATOR, RECORD_MARK, type RecordSide } from "./telemetry-record.ts";

/** Percent of requests and connections that are told: 0 until the agent sets it because somebody taps. */
export const TAP_RUNTIME_KEY = "meltemi.tap";

/** Request headers whose values a tap can show: a format is fixed before anybody asks, and credentials are in none of these. */
export const tapHeaders = [
  "user-agent",
  "content-type",
  "accept",
  "referer",
  "x-request-id",
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-envoy-attempt-count",
  "traceparent",
  "x-b3-traceid",
  "grpc-timeout",
  "end-user",
] as const;

export type TapHeader = (typeof tapHeaders)[number];

const commonFields = [
  "side",
  "startMs",
  "durationMs",
  "flags",
  "details",
  "failure",
  "cluster",
  "service",
  "clusterFrom",
  "address",
  "callerAddress",
  "peerPrincipal",
  "localPrincipal",
  "peerSubject",
  "endpoint",
  "receivedBytes",
  "sentBytes",
] as const;

/** In the order of a line of HTTP, after the mark and `h`. Empty where Envoy knows nothing. */
export const httpTapFields = [
  ...commonFields,
  "method",
  "authority",
  "path",
  "protocol",
  "status",
  "grpcStatus",
  "route",
  "routeFrom",
  ...tapHeaders,
] as const;

/** In the order of a line of TCP, after the mark and `t`. */
export const tcpTapFields = [...commonFields, "event", "connectionId", "serverName"] as const;

export type HttpTapField = (typeof httpTapFields)[number];
export type TcpTapField = (typeof tcpTapFields)[number];
export type CommonTapField = (typeof commonFields)[number];

export type TapFields = Readonly<Record<CommonTapField, string>> & {
  readonly side: RecordSide | string;
} & Readonly<Partial<Record<HttpTapField | TcpTapField, string>>>;

export interface TapLine {
  readonly kind: "http" | "tcp";
  readonly fields: TapFields;
}

/** A line of a tap begins so, and no other record does. */
const KINDS = { h: { kind: "http", names: httpTapFields }, t: { kind: "tcp", names: tcpTapFields } } as const;

export function isTapLine(line: string): boolean {
  return line.startsWith(RECORD_MARK) && (line[1] === "h" || line[1] === "t");
}

/** Undefined for what isn't a whole line of a tap. Callers chose some of the texts: they come printable. */
export function parseTapLine(line: string): TapLine | undefined {
  if (!isTapLine(line)) return undefined;
  const { kind, names } = KINDS[line[1] as keyof typeof KINDS];
  const parts = line.slice(2).split(FIELD_SEPARATOR);
  if (parts.length !== names.length) return undefined;
  return {
    kind,
    fields: Object.fromEntries(
      names.map((name, at) => [name, printable(parts[at] ?? "")]),
    ) as unknown as TapFields,
  };
}

/** With its line's end; `commands` are Envoy's. */
export function tapFormat(kind: "http" | "tcp", commands: Readonly<Record<string, string>>): string {
  const letter = kind === "http" ? "h" : "t";
  const names: readonly string[] = KINDS[letter].names;
  return `${RECORD_MARK}${letter}${names.map((name) => commands[name] ?? "").join(FIELD_SEPARATOR)}\n`;
}
