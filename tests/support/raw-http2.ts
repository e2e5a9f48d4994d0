// HTTP/2 for tests, frame by frame: what no client library would send. Headers are HPACK literals; nothing is checked.

import { once } from "node:events";
import type { Socket } from "node:net";

export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const END_STREAM = 0x1;
export const ACK = 0x1;
export const END_HEADERS = 0x4;

export const connectionPreface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

export interface FrameHead {
  readonly flags?: number;
  readonly streamId?: number;
}

export function rawFrame(type: number, payload: Uint8Array, { flags = 0, streamId = 0 }: FrameHead = {}) {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

/** Pairs of identifier and value. */
export function settingsFrame(settings: readonly (readonly [id: number, value: number])[] = []): Buffer {
  const payload = Buffer.alloc(settings.length * 6);
  for (const [index, [id, value]] of settings.entries()) {
    payload.writeUInt16BE(id, index * 6);
    payload.writeUInt32BE(value, index * 6 + 2);
  }
  return rawFrame(frameTypes.settings, payload);
}

export function rstStreamFrame(streamId: number, code: number): Buffer {
  return rawFrame(frameTypes.rstStream, uint32(code), { streamId });
}

export function windowUpdateFrame(streamId: number, increment: number): Buffer {
  return rawFrame(frameTypes.windowUpdate, uint32(increment), { streamId });
}

export function goAwayFrame(lastStreamId: number, code: number): Buffer {
  return rawFrame(frameTypes.goAway, Buffer.concat([uint32(lastStreamId), uint32(code)]));
}

export function dataFrame(streamId: number, payload: Uint8Array, flags = 0): Buffer {
  return rawFrame(frameTypes.data, payload, { streamId, flags });
}

export type RawHeaders = readonly (readonly [name: string, value: string])[];

export function grpcHeaders(path: string, more: RawHeaders = []): RawHeaders {
  return [
    [":method", "POST"],
    [":scheme", "http"],
    [":path", path],
    [":authority", "localhost"],
    ["content-type", "application/grpc"],
    ["te", "trailers"],
    ...more,
  ];
}

export function headersFrame(streamId: number, headers: RawHeaders, flags = END_HEADERS): Buffer {
  return rawFrame(frameTypes.headers, encodeHeaders(headers), { streamId, flags });
}

/** "Literal Header Field without Indexing - New Name" (RFC 7541, 6.2.2), nothing Huffman-coded. */
export function encodeHeaders(headers: RawHeaders): Buffer {
  return Buffer.concat(
    headers.flatMap(([name, value]) => [Buffer.of(0), hpackString(name), hpackString(value)]),
  );
}

/** A gRPC message with the five bytes before it; `declaredBytes` and `flags` may lie. */
export function grpcMessage(message: Uint8Array, { flags = 0, declaredBytes = message.length } = {}): Buffer {
  return Buffer.concat([Buffer.of(flags), uint32(declaredBytes), message]);
}

/** Resolves when the server has sent something or has closed. */
export async function nextBytes(socket: Socket): Promise<void> {
  await Promise.race([once(socket, "data"), once(socket, "close")]);
}

function hpackString(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  return Buffer.concat([hpackInteger(bytes.length), bytes]);
}

/** With a prefix of seven bits (RFC 7541, 5.1). */
function hpackInteger(value: number): Buffer {
  if (value < 127) return Buffer.of(value);
  const bytes = [127];
  let rest = value - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}
