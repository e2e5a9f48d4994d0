// One accepted HTTP/2 connection: its calls, its keepalive pings, its greatest age.
// It ends calls for reasons of transport only.

import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import type { PeerCertificate, TLSSocket } from "node:tls";
import type { Clock } from "../core/clock.ts";
import type { Admission } from "../core/connection-budget.ts";
import type { Logger } from "../core/logger.ts";
import { contain } from "./containment.ts";
import type { GrpcMethod, GrpcPeer } from "./method.ts";
import type { ServerCall } from "./server-call.ts";
import { openServerCall } from "./server-call.ts";

export interface ConnectionLimits {
  /** Largest message that a client may send. */
  readonly maxMessageBytes: number;
  readonly maxConcurrentCalls: number;
  /** Time between pings; a connection whose ping isn't answered within the timeout is closed. */
  readonly keepaliveIntervalMs: number;
  readonly keepaliveTimeoutMs: number;
  /** Age, give or take 10 %, at which the client is told to reconnect elsewhere (GOAWAY). */
  readonly maxConnectionAgeMs: number;
  /** How long calls may then go on before they end with UNAVAILABLE. */
  readonly maxConnectionAgeGraceMs: number;
}

export interface ServerConnectionOptions extends ConnectionLimits {
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  /** Undefined where connections aren't counted. */
  readonly admission?: Admission | undefined;
}

export class ServerConnection {
  readonly #session: ServerHttp2Session;
  readonly #methods: ReadonlyMap<string, GrpcMethod>;
  readonly #options: ServerConnectionOptions;
  readonly #calls = new Set<ServerCall>();
  #hasAnswered = false;
  #heldBytes = 0;
  readonly #timers = new Map<"ping" | "pong" | "age", () => void>();

  constructor(
    session: ServerHttp2Session,
    methods: ReadonlyMap<string, GrpcMethod>,
    options: ServerConnectionOptions,
  ) {
    this.#session = session;
    this.#methods = methods;
    this.#options = options;
  }

  start(): void {
    const session = this.#session;
    session.on("error", (error) => this.#options.log.debug({ error: error.message }, "grpc session failed"));
    session.once("close", () => {
      for (const cancel of this.#timers.values()) cancel();
    });
    const peer = readPeer(session);
    if (peer === "refused") {
      this.#options.log.info({ remoteAddress: session.socket.remoteAddress }, "client certificate refused");
      session.destroy();
      return;
    }
    if (peer.certificate !== undefined) this.#options.admission?.proven();
    session.on("stream", (stream, headers) =>
      this.#attempt("stream", () => this.#open(stream as ServerHttp2Stream, headers, peer)),
    );
    this.#armPing();
    this.#armAge();
  }

  /** Takes no new calls and lets the open ones finish; the connection closes after the last. */
  goAway(): void {
    this.#attempt("goaway", () => {
      if (!this.#session.closed && !this.#session.destroyed) this.#session.close();
    });
  }

  /** Ends every call with UNAVAILABLE and closes. A client that doesn't read gets a second to take the news. */
  close(reason: string): void {
    for (const call of this.#calls) call.end("UNAVAILABLE", reason);
    this.goAway();
    this.#arm("age", LAST_WORDS_MS, () => this.#session.destroy());
  }

  /** Lets open calls finish for `graceMs`, then ends them. */
  dismiss(graceMs: number, reason: string): void {
    this.goAway();
    this.#arm("age", graceMs, () => this.close(reason));
  }

  destroy(): void {
    this.#session.destroy();
  }

  #attempt(event: string, step: () => void): void {
    contain(event, step, { log: this.#options.log, giveUp: () => this.#session.destroy() });
  }

  #open(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, peer: GrpcPeer): void {
    const call = openServerCall(stream, headers, {
      methods: this.#methods,
      peer,
      maxMessageBytes: this.#options.maxMessageBytes,
      clock: this.#options.clock,
      log: this.#options.log,
      // A method answers those whom it knows: to others it says no.
      answered: () => this.#noteAnswer(),
      hold: (bytes) => {
        this.#heldBytes += bytes;
        const isKnown = this.#hasAnswered || peer.certificate !== undefined;
        return bytes <= 0 || this.#heldBytes <= (isKnown ? MAX_HELD_BYTES : MAX_HELD_BYTES_UNPROVEN);
      },
    });
    if (call === undefined) return;
    this.#calls.add(call);
    this.#options.admission?.setBusy(true);
    stream.once("close", () => {
      this.#calls.delete(call);
      if (this.#calls.size === 0) this.#options.admission?.setBusy(false);
    });
  }

  #noteAnswer(): void {
    if (this.#hasAnswered) return;
    this.#hasAnswered = true;
    this.#options.admission?.proven();
    this.#options.admission?.setBusy(true);
  }

  #armPing(): void {
    this.#arm("ping", this.#options.keepaliveIntervalMs, () => {
      this.#arm("pong", this.#options.keepaliveTimeoutMs, () => {
        this.#options.log.info(
          { remoteAddress: this.#session.socket?.remoteAddress },
          "keepalive unanswered",
        );
        this.#session.destroy();
      });
      this.#session.ping((error) =>
        this.#attempt("pong", () => {
          this.#timers.get("pong")?.();
          if (error === null) this.#armPing();
        }),
      );
    });
  }

  #armAge(): void {
    const { maxConnectionAgeMs, maxConnectionAgeGraceMs, random } = this.#options;
    if (!Number.isFinite(maxConnectionAgeMs)) return;
    // The jitter keeps connections that were opened together from coming back together.
    this.#arm("age", maxConnectionAgeMs * (0.9 + 0.2 * random()), () =>
      this.dismiss(maxConnectionAgeGraceMs, "The connection reached its greatest age"),
    );
  }

  #arm(timer: "ping" | "pong" | "age", delayMs: number, callback: () => void): void {
    this.#timers.get(timer)?.();
    const cancel = this.#options.clock.after(delayMs, () =>
      this.#attempt(timer, () => {
        if (!this.#session.destroyed) callback();
      }),
    );
    this.#timers.set(timer, cancel);
  }
}

const LAST_WORDS_MS = 1_000;
/** Of unfinished messages on all calls of a connection: two of the largest. */
const MAX_HELD_BYTES = 32 * 1_048_576;
/** Until a certificate or an answer says that it is somebody's: a first request with what an Envoy has is below. */
const MAX_HELD_BYTES_UNPROVEN = 4 * 1_048_576;

/** A certificate that was shown but doesn't verify refuses the connection: it must not pass for an anonymous client. */
function readPeer(session: ServerHttp2Session): GrpcPeer | "refused" {
  const { remoteAddress } = session.socket;
  if (session.encrypted !== true) return { remoteAddress, certificate: undefined };
  const socket = session.socket as TLSSocket;
  const shown: PeerCertificate | Record<string, never> | null = socket.getPeerCertificate(true);
  if (shown === null || Object.keys(shown).length === 0) return { remoteAddress, certificate: undefined };
  return socket.authorized ? { remoteAddress, certificate: shown as PeerCertificate } : "refused";
}
