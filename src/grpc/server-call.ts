// One call on the server: from an HTTP/2 stream to messages, and from messages and a status back to the stream.
// It never decides what a message means.

import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { constants } from "node:http2";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import { quoted } from "../core/quoted.ts";
import type { FrameParser } from "./frame.ts";
import { createFrameParser, writeFrame } from "./frame.ts";
import type { BidiCall, BidiReceiver, GrpcMethod, GrpcPeer } from "./method.ts";
import type { GrpcStatus, StatusTrailers } from "./status.ts";
import { GrpcError, statusTrailers } from "./status.ts";
import { parseTimeout } from "./timeout.ts";

const RESPONSE_HEADERS = {
  ":status": 200,
  "content-type": "application/grpc+proto",
  "grpc-accept-encoding": "identity",
} as const;

export interface ServerCallOptions {
  readonly methods: ReadonlyMap<string, GrpcMethod>;
  readonly peer: GrpcPeer;
  readonly maxMessageBytes: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called at each message that the method sends. */
  readonly answered: () => void;
  /** Counts bytes of unfinished messages, more or less of them; false where the connection may hold no more. */
  readonly hold: (bytes: number) => boolean;
}

/** Runs the call that a new stream opens; returns it, so that its server can end it, or nothing if it was refused. */
export function openServerCall(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  options: ServerCallOptions,
): ServerCall | undefined {
  // A stream that breaks emits its error here; the call learns of it by "close".
  stream.on("error", (error) => options.log.debug({ error: error.message }, "grpc stream failed"));
  // It may have been reset before this turn; nothing would tell the call that it is over.
  if (stream.destroyed || stream.closed) return undefined;
  if (headers[":method"] !== "POST" || !String(headers["content-type"]).startsWith("application/grpc")) {
    stream.respond({ ":status": constants.HTTP_STATUS_UNSUPPORTED_MEDIA_TYPE }, { endStream: true });
    return undefined;
  }
  const call = new ServerCall(stream, headers, options);
  call.start();
  return call;
}

type CallState = "headers-unsent" | "open" | "ending" | "closed";

export class ServerCall implements BidiCall {
  readonly path: string;
  readonly peer: GrpcPeer;
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;
  readonly #options: ServerCallOptions;
  readonly #parser: FrameParser;
  /** Of an unfinished message, as the connection counts them. */
  #heldBytes = 0;
  readonly #abort = new AbortController();
  #receiver: BidiReceiver | undefined;
  #state: CallState = "headers-unsent";
  #trailers: StatusTrailers = statusTrailers("UNKNOWN");
  #cancelDeadline: (() => void) | undefined;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, options: ServerCallOptions) {
    this.#stream = stream;
    this.#headers = headers;
    this.#options = options;
    this.#parser = createFrameParser(options.maxMessageBytes);
    this.path = headers[":path"] ?? "";
    this.peer = options.peer;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  metadata(name: string): string | undefined {
    const value = this.#headers[name];
    return Array.isArray(value) ? value[0] : value;
  }

  start(): void {
    const stream = this.#stream;
    stream.on("wantTrailers", () => {
      this.#transmit(() => stream.sendTrailers({ ...this.#trailers }));
      this.#stopClient();
    });
    stream.once("close", () => this.#closed());
    this.#attempt(() => {
      this.#refuseWhatWeCannotServe();
      this.#armDeadline();
      this.#receiver = this.#open();
    });
    stream.on("data", (chunk: Uint8Array) => this.#attempt(() => this.#read(chunk)));
    stream.once("end", () => this.#attempt(() => this.#halfClosed()));
    stream.on("drain", () => this.#attempt(() => this.#receiver?.drained?.()));
  }

  write(fragments: readonly Uint8Array[]): boolean {
    if (this.#state === "ending" || this.#state === "closed") return false;
    this.#options.answered();
    this.#sendHeaders();
    let isReady = false;
    this.#transmit(() => {
      isReady = writeFrame(this.#stream, fragments);
    });
    return isReady;
  }

  end(status: GrpcStatus, message = ""): void {
    if (this.#state === "ending" || this.#state === "closed") return;
    const trailers = statusTrailers(status, message);
    const isTrailersOnly = this.#state === "headers-unsent";
    this.#state = "ending";
    this.#trailers = trailers;
    this.#cancelDeadline?.();
    this.#transmit((stream) => {
      stream.removeAllListeners("data");
      stream.resume();
      if (isTrailersOnly) stream.respond({ ...RESPONSE_HEADERS, ...trailers }, { endStream: true });
      else stream.end();
    });
    if (isTrailersOnly) this.#stopClient();
  }

  /**
   * Once the answer is out, a client that still sends is told to stop: RST_STREAM with NO_ERROR (RFC 9113, 8.1).
   * Before the trailers are out it would take them away with it.
   */
  #stopClient(): void {
    setImmediate(() =>
      this.#transmit((stream) => {
        if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
      }),
    );
  }

  #refuseWhatWeCannotServe(): void {
    const encoding = this.metadata("grpc-encoding");
    if (encoding !== undefined && encoding !== "identity") {
      throw new GrpcError("UNIMPLEMENTED", `Cannot read grpc-encoding "${encoding}": want "identity"`);
    }
  }

  #armDeadline(): void {
    const header = this.metadata("grpc-timeout");
    if (header === undefined) return;
    const timeoutMs = parseTimeout(header);
    if (timeoutMs === "invalid")
      throw new GrpcError("INVALID_ARGUMENT", `Cannot read grpc-timeout ${quoted(header)}`);
    this.#cancelDeadline = this.#options.clock.after(timeoutMs, () => {
      this.end("DEADLINE_EXCEEDED", `The call took longer than ${timeoutMs} ms`);
      this.#abort.abort();
    });
  }

  #open(): BidiReceiver {
    const method = this.#options.methods.get(this.path);
    if (method === undefined) throw new GrpcError("UNIMPLEMENTED", `No method ${quoted(this.path)} here`);
    return method.kind === "bidi" ? method.open(this) : this.#unaryReceiver(method.handle);
  }

  #unaryReceiver(handle: Extract<GrpcMethod, { kind: "unary" }>["handle"]): BidiReceiver {
    let request: Uint8Array | undefined;
    return {
      message: (bytes) => {
        if (request !== undefined)
          throw new GrpcError("INTERNAL", "A unary call takes one message, not more");
        request = bytes;
      },
      halfClosed: () => {
        if (request === undefined)
          throw new GrpcError("INTERNAL", "A unary call takes one message, not none");
        handle(request, this)
          .then((response) => {
            this.write(response);
            this.end("OK");
          })
          .catch((error: unknown) => this.#fail(error));
      },
    };
  }

  #read(chunk: Uint8Array): void {
    for (const message of this.#parser.push(chunk)) {
      if (this.#state === "ending" || this.#state === "closed") return;
      this.#receiver?.message(message);
    }
    if (!this.#hold(this.#parser.heldBytes()))
      throw new GrpcError("RESOURCE_EXHAUSTED", "The connection holds too much of unfinished messages");
  }

  #hold(bytes: number): boolean {
    const more = bytes - this.#heldBytes;
    this.#heldBytes = bytes;
    return this.#options.hold(more);
  }

  #halfClosed(): void {
    if (this.#state === "ending" || this.#state === "closed") return;
    if (this.#parser.isMidFrame()) throw new GrpcError("INTERNAL", "The request ended within a message");
    if (this.#receiver?.halfClosed === undefined) this.end("OK");
    else this.#receiver.halfClosed();
  }

  #sendHeaders(): void {
    if (this.#state !== "headers-unsent") return;
    this.#state = "open";
    this.#transmit((stream) => stream.respond(RESPONSE_HEADERS, { waitForTrailers: true }));
  }

  /**
   * All that goes out to the stream goes out here. A client may reset it at any moment, and then Node throws where it
   * could have done nothing: "close" will tell the call.
   */
  #transmit(send: (stream: ServerHttp2Stream) => void): void {
    const stream = this.#stream;
    if (stream.destroyed || stream.closed) return;
    try {
      send(stream);
    } catch (error) {
      this.#options.log.error({ path: this.path, error }, "grpc stream could not be written");
      stream.destroy();
    }
  }

  /** All that comes in from the stream comes in here: what a method throws ends its call and nothing else. */
  #attempt(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (error instanceof GrpcError) {
      this.end(error.status, error.message);
      return;
    }
    this.#options.log.error({ path: this.path, error }, "grpc method failed");
    this.end("INTERNAL", "The method failed");
  }

  #closed(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#hold(0);
    this.#cancelDeadline?.();
    this.#abort.abort();
    const receiver = this.#receiver;
    this.#receiver = undefined;
    this.#attempt(() => receiver?.closed?.());
  }
}
