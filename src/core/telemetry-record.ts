// What a proxy tells its agent of each request and connection, as one line on Envoy's standard output: the control plane
// writes the format, the agent reads the lines. Both go by this list.

/**
 * Begins each line. No text that a client chooses can hold it, or the separators: Envoy refuses control characters in
 * headers and SNI, and escapes them in a certificate's subject.
 */
export const RECORD_MARK = "\u0001";
/** Between the fields that decide the labels. */
export const FIELD_SEPARATOR = "\u001f";
/** Before each number. */
export const VALUE_SEPARATOR = "\u001e";

/** Percent of requests and connections that are told: 0 unless the agent sets it, since nobody else would read them. */
export const RECORDS_RUNTIME_KEY = "meltemi.telemetry_records";

/** `c`: who calls tells it; `m` and `p`: who is called, under mTLS and in plaintext. */
export type RecordSide = "c" | "m" | "p";

/** In the order of a line of HTTP, after the mark and `H`. Empty where Envoy knows nothing. */
export const httpRecordFields = [
  "side",
  "responseCode",
  "responseFlags",
  "grpcStatus",
  "cluster",
  "service",
  "routeName",
  "peerPrincipal",
  "localPrincipal",
  "peerSubject",
  "endpoint",
  "authority",
] as const;

/** `messages`: of gRPC, `3,5` for those of the client and of the server. */
export const httpRecordValues = ["durationMs", "requestBytes", "responseBytes", "messages"] as const;

/** In the order of a line of TCP, after the mark and `T`. */
export const tcpRecordFields = [
  "side",
  "responseFlags",
  "cluster",
  "service",
  "peerPrincipal",
  "localPrincipal",
  "peerSubject",
  "endpoint",
] as const;

/** Bytes are those since the connection began. */
export const tcpRecordValues = ["event", "connectionId", "receivedBytes", "sentBytes"] as const;

export type HttpRecordField = (typeof httpRecordFields)[number];
export type TcpRecordField = (typeof tcpRecordFields)[number];
export type HttpRecordValue = (typeof httpRecordValues)[number];
export type TcpRecordValue = (typeof tcpRecordValues)[number];

/** The last `event` of a connection; others come before it. */
export const CONNECTION_END_EVENT = "TcpConnectionEnd";

/** The service that a request was for, as metrics call it. */
export interface CalledService {
  readonly host: string;
  readonly name: string;
  readonly namespace: string;
}

/** As clusters say it in their metadata, under `meltemi` and `service`. */
export function formatCalledService({ host, name, namespace }: CalledService): string {
  return `${host};${name};${namespace}`;
}

export function parseCalledService(text: string): CalledService | undefined {
  const [host = "", name = "", namespace = "", ...rest] = text.split(";");
  return host === "" || name === "" || rest.length > 0 ? undefined : { host, name, namespace };
}
