// gRPC's status codes by the names that Istio's API takes.

const CODES = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
];

/** A name (`UNAVAILABLE`) or a number as text; throws on anything else, which validation refuses. */
export function grpcStatusCode(status: string): number {
  const code = /^\d+$/.test(status) ? Number(status) : CODES.indexOf(status.toUpperCase());
  if (code < 0) throw new Error(`not a gRPC status: "${status}"`);
  return code;
}
