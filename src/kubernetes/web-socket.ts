// A WebSocket to the API server, as its streaming subresources (exec, port-forward) want one: messages in and out of
// a stream, with back-pressure both ways. It knows no subresource.

import { createHash, randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { Clock } from "../core/clock.ts";
import type { ApiRequest, StreamingApiClient, UpgradedConnection } from "./api-client.ts";
import type { FrameEvent } from "./web-socket-frame.ts";
import {
  closeCodes,
  createFrameReader,
  encodeClose,
  encodeFrame,
  opcodes,
  WebSocketError,
} from "./web-socket-frame.ts";

export interface WebSocketOptions {
  readonly clock: Clock;
  /** Of which the server takes one; best first. */
  readonly protocols: readonly string[];
}

export interface WebSocket {
  /** The one that the server took. */
  readonly protocol: string;
  /**
   * Whole messages as Buffers, both ways. It ends when the server closes it in order, and is destroyed with an error
   * otherwise; destroying it closes the connection.
   */
  readonly messages: Duplex;
}

/** Load balancers in front of API servers end connections on which nothing is said, often after a minute. */
const PING_EVERY_MS = 25_000;
/** Servers send at most what they have read from a pod at once: tens of kilobytes. */
const MAX_MESSAGE_BYTES = 16 * 1_048_576;
/** Section 1.3 of RFC 6455. */
const ACCEPT_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Throws an ApiError where the server refuses, as for want of a right. */
export async function openWebSocket(
  client: StreamingApiClient,
  request: Pick<ApiRequest, "path" | "query" | "signal" | "timeoutMs">,
  { clock, protocols }: WebSocketOptions,
): Promise<WebSocket> {
  const key = randomBytes(16).toString("base64");
  const upgraded = await client.upgrade({
    ...request,
    headers: {
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": key,
      "sec-websocket-protocol": protocols.join(", "),
    },
  });
  const accept = createHash("sha1").update(`${key}${ACCEPT_SUFFIX}`).digest("base64");
  const protocol = upgraded.headers["sec-websocket-protocol"] ?? "";
  if (upgraded.headers["sec-websocket-accept"] !== accept || !protocols.includes(protocol)) {
    upgraded.socket.destroy();
    throw new WebSocketError(
      closeCodes.protocol,
      `Cannot open a WebSocket to ${request.path}: the answer is none for "${protocols.join(", ")}"`,
    );
  }
  return { protocol, messages: messagesOf(upgraded, clock) };
}

function messagesOf({ socket, head }: UpgradedConnection, clock: Clock): Duplex {
  const reader = createFrameReader(MAX_MESSAGE_BYTES);
  let isClosing = false;
  let hasEnded = false;
  const close = (code: number) => {
    if (isClosing) return;
    isClosing = true;
    if (socket.writable) socket.end(encodeClose(code, randomBytes(4)));
  };
  const messages = new Duplex({
    objectMode: true,
    read: () => void socket.resume(),
    write: (data: Uint8Array, _encoding, done) => {
      // As on a socket whose other side has gone: there is nobody to read it.
      if (isClosing) done();
      else socket.write(encodeFrame(opcodes.binary, data, randomBytes(4)), done);
    },
    final: (done) => {
      close(closeCodes.normal);
      done();
    },
    destroy: (error, done) => {
      stopPings();
      close(error instanceof WebSocketError ? error.code : closeCodes.normal);
      // What is written still leaves; nothing more is read.
      socket.destroySoon();
      done(error);
    },
  }) as Duplex;
  const handle = (event: FrameEvent) => {
    if (event.kind === "message") {
      if (!messages.push(event.data)) socket.pause();
    } else if (event.kind === "close") {
      hasEnded = true;
      close(closeCodes.normal);
      endBy(messages, event);
    } else if (!socket.writableNeedDrain && !isClosing) {
      // Whoever pings without reading our answers gets none.
      socket.write(encodeFrame(opcodes.pong, event.data, randomBytes(4)));
    }
  };
  const receive = (chunk: Buffer) => {
    try {
      for (const event of reader.read(chunk)) handle(event);
    } catch (error) {
      messages.destroy(error as Error);
    }
  };
  const stopPings = keepAlive(socket, clock);
  socket.on("data", receive);
  socket.on("error", (error) => messages.destroy(error));
  socket.on("close", () => {
    // What was read before the end may still wait for its reader.
    if (!hasEnded) messages.destroy(lost());
  });
  if (head.length > 0) receive(head);
  return messages;
}

function endBy(messages: Duplex, { code, reason }: FrameEvent & { kind: "close" }): void {
  const isInOrder = code === closeCodes.normal || code === closeCodes.goingAway || code === closeCodes.none;
  if (isInOrder) messages.push(null);
  else messages.destroy(new WebSocketError(code, `The API server closed the WebSocket: ${reason || code}`));
}

function lost(): WebSocketError {
  return new WebSocketError(closeCodes.normal, "The connection to the API server was lost");
}

/** Returns what stops it. */
function keepAlive(socket: Socket, clock: Clock): () => void {
  // A peer that is gone is found by TCP; that a busy one is late with its pong says nothing.
  socket.setKeepAlive(true, PING_EVERY_MS);
  const ping = () => {
    if (socket.writable && !socket.writableNeedDrain)
      socket.write(encodeFrame(opcodes.ping, new Uint8Array(), randomBytes(4)));
    cancel = clock.after(PING_EVERY_MS, ping);
  };
  let cancel = clock.after(PING_EVERY_MS, ping);
  return () => cancel();
}
