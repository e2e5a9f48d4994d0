// gRPC's status: its names, its numbers and the trailers that carry it. The one error class of this room lives here;
// foreign errors become a GrpcError at the edge of a call and nowhere else.

const codes = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

export type GrpcStatus = keyof typeof codes;

export const grpcStatusCodes: Readonly<Record<GrpcStatus, number>> = codes;

const names = Object.keys(codes) as readonly GrpcStatus[];

/** The name of a wire code; a code that gRPC doesn't define is UNKNOWN. */
export function grpcStatusFromCode(code: number): GrpcStatus {
  return names[code] ?? "UNKNOWN";
}

/** A call that ended with a status other than OK. Its message crosses the wire: never put a secret in it. */
export class GrpcError extends Error {
  readonly status: Exclude<GrpcStatus, "OK">;

  constructor(status: Exclude<GrpcStatus, "OK">, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "GrpcError";
    this.status = status;
  }
}

export interface StatusTrailers {
  readonly "grpc-status": string;
  readonly "grpc-message"?: string;
}

export function statusTrailers(status: GrpcStatus, message = ""): StatusTrailers {
  const code = String(codes[status]);
  return message === ""
    ? { "grpc-status": code }
    : { "grpc-status": code, "grpc-message": encodeMessage(message) };
}

/** Reads status and message from trailers, or from the headers of a response that has only trailers. */
export function readStatus(headers: Readonly<Record<string, unknown>>): GrpcError | "OK" | undefined {
  const code = headers["grpc-status"];
  if (code === undefined) return undefined;
  const status = grpcStatusFromCode(Number(code));
  return status === "OK" ? "OK" : new GrpcError(status, decodeMessage(String(headers["grpc-message"] ?? "")));
}

/** Percent-encodes all but printable ASCII, and `%` itself (gRPC over HTTP/2, "Responses", Status-Message). */
function encodeMessage(message: string): string {
  let encoded = "";
  for (const byte of Buffer.from(message.slice(0, MAX_MESSAGE_CHARACTERS))) {
    encoded +=
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}

// Header lists are limited on both sides; a longer message would lose the whole status.
const MAX_MESSAGE_CHARACTERS = 1024;

/** A message that was encoded wrongly is taken as it stands: "decoders must not reject". */
function decodeMessage(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}
