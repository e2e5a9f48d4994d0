// gRPC's length-prefixed messages: one byte of flags, four of length, then the message ("Length-Prefixed-Message"
// in gRPC over HTTP/2). Frames may be split and joined at any byte. Compressed messages are refused.

import { GrpcError } from "./status.ts";

const HEADER_BYTES = 5;

/** The five bytes before a message of `messageBytes`. */
export function encodeFrameHeader(messageBytes: number): Uint8Array {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header.writeUInt8(0, 0);
  header.writeUInt32BE(messageBytes, 1);
  return header;
}

interface FrameSink {
  cork(): void;
  uncork(): void;
  write(chunk: Uint8Array): boolean;
  readonly destroyed: boolean;
}

/** Writes one message; corked, so that its fragments leave as one vector without being copied. */
export function writeFrame(sink: FrameSink, fragments: readonly Uint8Array[]): boolean {
  if (sink.destroyed) return false;
  let bytes = 0;
  for (const fragment of fragments) bytes += fragment.length;
  sink.cork();
  let isReady = sink.write(encodeFrameHeader(bytes));
  for (const fragment of fragments) isReady = sink.write(fragment);
  sink.uncork();
  return isReady;
}

export interface FrameParser {
  /**
   * Takes the next bytes of the stream and returns the messages that they complete, as views where one chunk holds
   * the whole message. Throws GrpcError: RESOURCE_EXHAUSTED for a message over the limit (before reading it),
   * UNIMPLEMENTED for a compressed one, INTERNAL for unknown flags.
   */
  push(chunk: Uint8Array): readonly Uint8Array[];
  /** True while bytes of an unfinished frame are held: a stream that ends now was cut. */
  isMidFrame(): boolean;
  /** Of the unfinished frame. */
  heldBytes(): number;
}

export function createFrameParser(maxMessageBytes: number): FrameParser {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  let wantedBytes = HEADER_BYTES;
  let isHeaderRead = false;

  /** Joins what is held with the start of `chunk` when together they reach what is wanted. */
  function take(chunk: Uint8Array, offset: number): Uint8Array | undefined {
    const missing = wantedBytes - heldBytes;
    const available = chunk.subarray(offset, offset + missing);
    if (available.length < missing) {
      if (available.length > 0) held.push(available);
      heldBytes += available.length;
      return undefined;
    }
    const whole = held.length === 0 ? available : Buffer.concat([...held, available]);
    held = [];
    heldBytes = 0;
    return whole;
  }

  return {
    push(chunk) {
      const messages: Uint8Array[] = [];
      let offset = 0;
      while (offset < chunk.length || wantedBytes === 0) {
        const before = heldBytes;
        const whole = take(chunk, offset);
        if (whole === undefined) break;
        offset += whole.length - before;
        if (isHeaderRead) messages.push(whole);
        wantedBytes = isHeaderRead ? HEADER_BYTES : readMessageLength(whole, maxMessageBytes);
        isHeaderRead = !isHeaderRead;
      }
      return messages;
    },
    isMidFrame: () => heldBytes > 0 || isHeaderRead,
    heldBytes: () => heldBytes,
  };
}

function readMessageLength(header: Uint8Array, maxMessageBytes: number): number {
  const view = new DataView(header.buffer, header.byteOffset, HEADER_BYTES);
  const flags = view.getUint8(0);
  const length = view.getUint32(1);
  if (flags === 1)
    throw new GrpcError("UNIMPLEMENTED", "Cannot read a compressed message: send it uncompressed");
  if (flags !== 0) throw new GrpcError("INTERNAL", `Cannot read a message with flags ${flags}: want 0`);
  if (length > maxMessageBytes) {
    throw new GrpcError(
      "RESOURCE_EXHAUSTED",
      `Cannot read a message of ${length} bytes: the limit is ${maxMessageBytes}`,
    );
  }
  return length;
}
