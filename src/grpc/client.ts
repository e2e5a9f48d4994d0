// A gRPC client on node:http2 for a few long-lived peers: one connection, opened at the first call and again after it
// is lost or sent away. It doesn't retry calls: the caller knows what is idempotent.

import type { ClientHttp2Session, ClientHttp2Stream, OutgoingHttpHeaders } from "node:http2";
import { connect } from "node:http2";
import type { Socket } from "node:net";
import { createConnection } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { connect as connectTls } from "node:tls";
import type { Clock } from "../core/clock.ts";
import type { BidiClientCall, BidiClientReceiver } from "./client-call.ts";
import { openClientCall } from "./client-call.ts";
import { GrpcError } from "./status.ts";
import { formatTimeout } from "./timeout.ts";
import type { TlsIdentity } from "./tls-identity.ts";
import { secureContextOptions } from "./tls-identity.ts";

export interface ClientTls extends Partial<TlsIdentity> {
  /** PEM of the roots that the server's certificate is verified against. */
  readonly serverRoots: string;
  /** The name that the server's certificate must carry, and the SNI. */
  readonly serverName: string;
}

export type GrpcTarget = (
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string }
) & { readonly tls?: ClientTls };

export interface GrpcClientOptions {
  readonly clock: Clock;
  readonly maxMessageBytes?: number;
  readonly connectTimeoutMs?: number;
  readonly keepaliveIntervalMs?: number;
  readonly keepaliveTimeoutMs?: number;
}

export interface CallOptions {
  readonly timeoutMs?: number;
  /** Lower-case names; `authorization` and the like. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export class GrpcClient {
  readonly #target: GrpcTarget | (() => GrpcTarget);
  readonly #options: Required<GrpcClientOptions>;
  #session: ClientHttp2Session | undefined;
  #isClosed = false;

  /** A target given as a function is asked at each new connection, so that a renewed certificate is used. */
  constructor(target: GrpcTarget | (() => GrpcTarget), options: GrpcClientOptions) {
    this.#target = target;
    this.#options = {
      maxMessageBytes: 16 * 1024 * 1024,
      connectTimeoutMs: 5_000,
      keepaliveIntervalMs: 30_000,
      keepaliveTimeoutMs: 20_000,
      ...options,
    };
  }

  /** Resolves with the one response; rejects with GrpcError. */
  unary(path: string, request: Uint8Array, options: CallOptions = {}): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      let response: Uint8Array | undefined;
      const call = this.bidi(
        path,
        {
          message: (bytes) => {
            response = bytes;
          },
          closed: (error) => {
            if (error !== undefined) reject(error);
            else if (response === undefined) reject(new GrpcError("INTERNAL", "OK without a response"));
            else resolve(response);
          },
        },
        options,
      );
      call.write([request]);
      call.end();
    });
  }

  /** Opens a call in both directions; however it fails, it is `receiver.closed` that hears of it, never a throw. */
  bidi(path: string, receiver: BidiClientReceiver, options: CallOptions = {}): BidiClientCall {
    const stream = this.#tryOpen(path, options);
    if (stream instanceof GrpcError) {
      queueMicrotask(() => receiver.closed(stream));
      return { write: () => false, end: () => undefined, cancel: () => undefined };
    }
    return openClientCall(stream, receiver, {
      maxMessageBytes: this.#options.maxMessageBytes,
      clock: this.#options.clock,
      timeoutMs: options.timeoutMs,
      signal: options.signal,
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#session?.destroy();
    this.#session = undefined;
  }

  /** A key that doesn't load and a session that died just now throw here, and are failures of the call. */
  #tryOpen(path: string, options: CallOptions): ClientHttp2Stream | GrpcError {
    try {
      return this.#open(path, options);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return new GrpcError("UNAVAILABLE", `Cannot open a call: ${reason}`, { cause: error });
    }
  }

  #open(path: string, options: CallOptions): ClientHttp2Stream {
    if (this.#isClosed) throw new Error("the client is closed");
    if (this.#session?.closed || this.#session?.destroyed) this.#session = undefined;
    this.#session ??= this.#connect();
    const headers: OutgoingHttpHeaders = {
      ...options.metadata,
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc+proto",
      te: "trailers",
      "grpc-accept-encoding": "identity",
      ...(options.timeoutMs === undefined ? {} : { "grpc-timeout": formatTimeout(options.timeoutMs) }),
    };
    return this.#session.request(headers);
  }

  #connect(): ClientHttp2Session {
    const target = typeof this.#target === "function" ? this.#target() : this.#target;
    const scheme = target.tls === undefined ? "http" : "https";
    const session = connect(`${scheme}://${target.tls?.serverName ?? "localhost"}`, {
      createConnection: () => openSocket(target),
    });
    const forget = () => {
      if (this.#session === session) this.#session = undefined;
      cancelTimer();
    };
    let cancelTimer = this.#options.clock.after(this.#options.connectTimeoutMs, () =>
      session.destroy(new Error(`No connection within ${this.#options.connectTimeoutMs} ms`)),
    );
    session.on("connect", () => {
      cancelTimer();
      this.#keepAlive(session, (cancel) => {
        cancelTimer = cancel;
      });
    });
    // The streams of a failed session report the failure themselves.
    session.on("error", forget);
    session.on("goaway", forget);
    session.on("close", forget);
    return session;
  }

  #keepAlive(session: ClientHttp2Session, setCancel: (cancel: () => void) => void): void {
    const { clock, keepaliveIntervalMs, keepaliveTimeoutMs } = this.#options;
    const ping = () => {
      if (session.destroyed) return;
      const answered = clock.after(keepaliveTimeoutMs, () =>
        session.destroy(new Error("The keepalive was unanswered")),
      );
      setCancel(answered);
      session.ping((error) => {
        if (error !== null) return;
        answered();
        this.#keepAlive(session, setCancel);
      });
    };
    setCancel(clock.after(keepaliveIntervalMs, ping));
  }
}

function openSocket(target: GrpcTarget): Socket {
  const address = target.kind === "tcp" ? { host: target.host, port: target.port } : { path: target.path };
  if (target.tls === undefined) return createConnection(address);
  const options: ConnectionOptions = {
    ...address,
    ...secureContextOptions(target.tls, target.tls.serverRoots),
    servername: target.tls.serverName,
    ALPNProtocols: ["h2"],
  };
  return connectTls(options);
}
