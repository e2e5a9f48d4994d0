// What a server offers: methods by path, in bytes or behind a codec. A method never sees HTTP/2.

import type { PeerCertificate } from "node:tls";
import type { GrpcStatus } from "./status.ts";
import { GrpcError } from "./status.ts";

/** Who calls, as far as the transport knows. */
export interface GrpcPeer {
  /** Absent on a unix socket. */
  readonly remoteAddress: string | undefined;
  /** Present only where the client showed a certificate that our trust roots verify. */
  readonly certificate: PeerCertificate | undefined;
}

export interface CallContext {
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly peer: GrpcPeer;
  /** Request metadata by lower-case name; of a repeated name the first value. */
  metadata(name: string): string | undefined;
  /** Aborted when the call is over for whatever reason: answered, cancelled, past its deadline, connection lost. */
  readonly signal: AbortSignal;
}

/** The sending half of a bidirectional call. */
export interface BidiCall extends CallContext {
  /**
   * Sends one message given as fragments, which are not copied and must not change afterwards.
   * False means that the transport holds enough: wait for `drained` before the next one.
   */
  write(fragments: readonly Uint8Array[]): boolean;
  /** Ends the call; what was written before goes out first. A second end has no effect. */
  end(status: GrpcStatus, message?: string): void;
}

/** The receiving half. What it throws ends the call: a GrpcError as it says, anything else as INTERNAL. */
export interface BidiReceiver {
  /** The bytes are only lent: a view of the transport's buffer. */
  message(bytes: Uint8Array): void;
  /** The client will send no more. By default the call is then ended with OK. */
  halfClosed?(): void;
  /** The transport takes more again. */
  drained?(): void;
  /** Called once, last, however the call ended. */
  closed?(): void;
}

export type GrpcMethod =
  | {
      readonly kind: "unary";
      readonly path: string;
      /** Rejects with GrpcError for a status of its own; anything else is logged and becomes INTERNAL. */
      readonly handle: (request: Uint8Array, call: CallContext) => Promise<readonly Uint8Array[]>;
    }
  | {
      readonly kind: "bidi";
      readonly path: string;
      readonly open: (call: BidiCall) => BidiReceiver;
    };

export interface UnaryCodec<Request, Response> {
  readonly path: string;
  /** Throws on bytes that aren't a request: the caller is answered INVALID_ARGUMENT. */
  readonly decode: (bytes: Uint8Array) => Request;
  readonly encode: (response: Response) => Uint8Array;
}

/** A unary method over typed messages. */
export function unaryMethod<Request, Response>(
  codec: UnaryCodec<Request, Response>,
  handle: (request: Request, call: CallContext) => Promise<Response>,
): GrpcMethod {
  return {
    kind: "unary",
    path: codec.path,
    async handle(bytes, call) {
      return [codec.encode(await handle(decodeRequest(bytes, codec.decode), call))];
    },
  };
}

/** Decodes a client's message; what doesn't decode is the client's mistake. */
export function decodeRequest<Request>(bytes: Uint8Array, decode: (bytes: Uint8Array) => Request): Request {
  try {
    return decode(bytes);
  } catch (error) {
    throw new GrpcError("INVALID_ARGUMENT", `Cannot decode the request of ${bytes.length} bytes`, {
      cause: error,
    });
  }
}
