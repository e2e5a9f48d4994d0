// One call on the client: messages out, messages in, and at the end exactly one verdict.

import type { ClientHttp2Stream } from "node:http2";
import { constants } from "node:http2";
import type { Clock } from "../core/clock.ts";
import { createFrameParser, writeFrame } from "./frame.ts";
import { GrpcError, readStatus } from "./status.ts";

export interface BidiClientCall {
  /** Fragments of one message, not copied. False: wait for `drained`. */
  write(fragments: readonly Uint8Array[]): boolean;
  /** No more messages from here. */
  end(): void;
  cancel(): void;
}

export interface BidiClientReceiver {
  /** The bytes are only lent. */
  message(bytes: Uint8Array): void;
  drained?(): void;
  /** Called once, last; without an error the status was OK. */
  closed(error: GrpcError | undefined): void;
}

export interface ClientCallOptions {
  readonly maxMessageBytes: number;
  readonly clock: Clock;
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal | undefined;
}

export function openClientCall(
  stream: ClientHttp2Stream,
  receiver: BidiClientReceiver,
  options: ClientCallOptions,
): BidiClientCall {
  const parser = createFrameParser(options.maxMessageBytes);
  let verdict: GrpcError | "OK" | undefined;
  let failure: Error | undefined;

  function stop(error: GrpcError): void {
    verdict ??= error;
    stream.close(constants.NGHTTP2_CANCEL);
  }

  /** What a receiver throws ends its call. */
  function attempt(step: () => void): void {
    try {
      step();
    } catch (error) {
      stop(
        error instanceof GrpcError
          ? error
          : new GrpcError("INTERNAL", "The receiver failed", { cause: error }),
      );
    }
  }

  stream.on("response", (headers) => {
    verdict ??= readStatus(headers) ?? readHttpFailure(headers);
  });
  stream.on("trailers", (trailers) => {
    verdict ??= readStatus(trailers);
  });
  stream.on("data", (chunk: Uint8Array) => {
    attempt(() => {
      for (const message of parser.push(chunk)) receiver.message(message);
    });
  });
  stream.on("drain", () => attempt(() => receiver.drained?.()));
  stream.on("error", (error) => {
    failure = error;
  });
  const cancelTimeout = armTimeout(options, stop);
  const cancelSignal = armSignal(options.signal, stop);
  stream.once("close", () => {
    cancelTimeout();
    cancelSignal();
    const result = verdict ?? brokenOff(stream, failure);
    receiver.closed(result === "OK" ? undefined : result);
  });
  return {
    write: (fragments) => writeFrame(stream, fragments),
    end: () => stream.end(),
    cancel: () => stop(new GrpcError("CANCELLED", "Cancelled here")),
  };
}

function armTimeout(options: ClientCallOptions, stop: (error: GrpcError) => void): () => void {
  const { timeoutMs } = options;
  if (timeoutMs === undefined) return () => undefined;
  return options.clock.after(timeoutMs, () =>
    stop(new GrpcError("DEADLINE_EXCEEDED", `No answer within ${timeoutMs} ms`)),
  );
}

function armSignal(signal: AbortSignal | undefined, stop: (error: GrpcError) => void): () => void {
  const cancel = () => stop(new GrpcError("CANCELLED", "Cancelled here"));
  if (signal?.aborted) cancel();
  signal?.addEventListener("abort", cancel, { once: true });
  return () => signal?.removeEventListener("abort", cancel);
}

/** A status in HTTP where gRPC's is missing ("HTTP2 Transport Mapping", http-grpc-status-mapping). */
function readHttpFailure(headers: Readonly<Record<string, unknown>>): GrpcError | undefined {
  const status = Number(headers[":status"]);
  if (status === 200) return undefined;
  const message = `The server answered HTTP ${status}`;
  if (status === 401) return new GrpcError("UNAUTHENTICATED", message);
  if (status === 403) return new GrpcError("PERMISSION_DENIED", message);
  if (status === 404) return new GrpcError("UNIMPLEMENTED", message);
  const isTransient = status === 429 || status === 502 || status === 503 || status === 504;
  return new GrpcError(isTransient ? "UNAVAILABLE" : "UNKNOWN", message);
}

/** The stream ended without a status: the connection was lost, or the server reset the stream. */
function brokenOff(stream: ClientHttp2Stream, failure: Error | undefined): GrpcError {
  const cause = failure === undefined ? undefined : { cause: failure };
  const status = stream.rstCode === constants.NGHTTP2_CANCEL ? "CANCELLED" : "UNAVAILABLE";
  const reason = failure?.message ?? `reset with code ${stream.rstCode}`;
  return new GrpcError(status, `The call broke off: ${reason}`, cause);
}
