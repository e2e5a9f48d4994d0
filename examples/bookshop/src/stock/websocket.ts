// The server's side of WebSocket (RFC 6455), as much of it as a service needs that mostly talks: text frames,
// ping, close. No extensions; messages from clients are at most 64 KiB, and fragments are refused.

import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

export interface WebSocketEvents {
  readonly onText?: (text: string) => void;
  readonly onClose?: () => void;
}

export interface WebSocketConnection {
  /** Drops the message where the client is more than 1 MiB behind. */
  send(text: string): void;
  close(code: number): void;
}

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const MAX_MESSAGE_BYTES = 64 * 1024;
const MAX_BACKLOG_BYTES = 1024 * 1024;

const TEXT = 0x1;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;

const PROTOCOL_ERROR = 1002;
const TOO_BIG = 1009;

interface Frame {
  readonly isFinal: boolean;
  readonly opcode: number;
  readonly payload: Buffer;
  readonly byteCount: number;
}

/** Answers the handshake; `undefined`, and a refusal sent, where it isn't one. */
export function acceptWebSocket(
  message: IncomingMessage,
  socket: Duplex,
  events: WebSocketEvents,
): WebSocketConnection | undefined {
  const key = message.headers["sec-websocket-key"];
  if (message.headers.upgrade?.toLowerCase() !== "websocket" || key === undefined) {
    socket.end("HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    return undefined;
  }
  const accept = createHash("sha1").update(`${key}${GUID}`).digest("base64");
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
  );
  const close = (code: number) => {
    if (!socket.writableEnded) socket.end(encodeFrame(CLOSE, Buffer.from([code >> 8, code & 0xff])));
  };
  let received = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    for (let frame = nextFrame(received); frame !== undefined; frame = nextFrame(received)) {
      if (frame === "too big") return close(TOO_BIG);
      received = received.subarray(frame.byteCount);
      takeFrame(frame, socket, events, close);
    }
  });
  socket.on("error", () => socket.destroy());
  socket.on("close", () => events.onClose?.());
  return {
    send: (text) => {
      if (socket.writable && socket.writableLength < MAX_BACKLOG_BYTES) {
        socket.write(encodeFrame(TEXT, Buffer.from(text)));
      }
    },
    close,
  };
}

function takeFrame(
  frame: Frame,
  socket: Duplex,
  events: WebSocketEvents,
  close: (code: number) => void,
): void {
  if (frame.opcode === CLOSE) close(frame.payload.length >= 2 ? frame.payload.readUInt16BE(0) : 1000);
  else if (frame.opcode === PING) socket.write(encodeFrame(PONG, frame.payload));
  else if (frame.opcode === PONG) return;
  else if (frame.opcode === TEXT && frame.isFinal) events.onText?.(frame.payload.toString("utf8"));
  else close(PROTOCOL_ERROR);
}

/** The first whole frame in `bytes`; `undefined` until there is one. Frames of clients are always masked. */
function nextFrame(bytes: Buffer): Frame | "too big" | undefined {
  if (bytes.length < 2) return undefined;
  const [first = 0, second = 0] = bytes;
  const shortLength = second & 0x7f;
  if (shortLength === 127) return "too big";
  const lengthBytes = shortLength === 126 ? 2 : 0;
  const maskBytes = (second & 0x80) === 0 ? 0 : 4;
  const start = 2 + lengthBytes + maskBytes;
  if (bytes.length < start) return undefined;
  const length = lengthBytes === 0 ? shortLength : bytes.readUInt16BE(2);
  if (length > MAX_MESSAGE_BYTES) return "too big";
  if (bytes.length < start + length) return undefined;
  const payload = Buffer.from(bytes.subarray(start, start + length));
  const mask = bytes.subarray(start - maskBytes, start);
  if (maskBytes > 0)
    payload.forEach((byte, position) => {
      payload[position] = byte ^ (mask[position % 4] ?? 0);
    });
  return { isFinal: (first & 0x80) !== 0, opcode: first & 0x0f, payload, byteCount: start + length };
}

/** Frames of servers are never masked. */
function encodeFrame(opcode: number, payload: Buffer): Buffer {
  const first = 0x80 | opcode;
  if (payload.length < 126) return Buffer.concat([Buffer.from([first, payload.length]), payload]);
  if (payload.length > 0xffff)
    throw new RangeError(`Cannot send ${payload.length} bytes in one frame: 65535 is the most`);
  return Buffer.concat([Buffer.from([first, 126, payload.length >> 8, payload.length & 0xff]), payload]);
}
