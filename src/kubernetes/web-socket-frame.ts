// Frames of the WebSocket protocol (RFC 6455) as a client writes and reads them. Bytes in, events out: it knows no
// connection. Strict: what the RFC forbids to a server is a WebSocketError.

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export type Opcode = (typeof opcodes)[keyof typeof opcodes];

export type FrameEvent =
  /** A whole message, of one frame or several. */
  | { readonly kind: "message"; readonly data: Buffer }
  | { readonly kind: "ping"; readonly data: Buffer }
  /** `code` 1005 stands for none. */
  | { readonly kind: "close"; readonly code: number; readonly reason: string };

export class WebSocketError extends Error {
  /** Of section 7.4.1, to close with. */
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.name = "WebSocketError";
    this.code = code;
  }
}

export const closeCodes = {
  normal: 1000,
  goingAway: 1001,
  protocol: 1002,
  none: 1005,
  tooBig: 1009,
} as const;

const FINAL = 0x80;
const RESERVED = 0x70;
const MASKED = 0x80;
const MAX_CONTROL_BYTES = 125;

/** One unfragmented frame; `mask` is four random bytes, as every frame of a client has them. */
export function encodeFrame(opcode: Opcode, payload: Uint8Array, mask: Uint8Array): Buffer {
  const { length } = payload;
  const extra = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const frame = Buffer.allocUnsafe(2 + extra + 4 + length);
  frame[0] = FINAL | opcode;
  frame[1] = MASKED | (extra === 0 ? length : extra === 2 ? 126 : 127);
  if (extra === 2) frame.writeUInt16BE(length, 2);
  if (extra === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  frame.set(mask, 2 + extra);
  const start = 6 + extra;
  for (let index = 0; index < length; index += 1) {
    frame[start + index] = (payload[index] ?? 0) ^ (mask[index & 3] ?? 0);
  }
  return frame;
}

export function encodeClose(code: number, mask: Uint8Array): Buffer {
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  return encodeFrame(opcodes.close, payload, mask);
}

export interface FrameReader {
  /** The events that these bytes complete. Throws a WebSocketError, after which it must not be used. */
  read(chunk: Buffer): FrameEvent[];
}

export function createFrameReader(maxMessageBytes: number): FrameReader {
  let unread: Buffer = Buffer.alloc(0);
  let fragments: Buffer[] | undefined;
  let fragmentBytes = 0;

  const takeMessage = ({ opcode, isFinal, payload }: Frame): FrameEvent[] => {
    if ((opcode === opcodes.continuation) !== (fragments !== undefined)) {
      throw violation(fragments === undefined ? "a continuation of nothing" : "a message within a message");
    }
    fragments ??= [];
    fragments.push(payload);
    fragmentBytes += payload.length;
    if (!isFinal) return [];
    const data = fragments.length === 1 ? payload : Buffer.concat(fragments);
    fragments = undefined;
    fragmentBytes = 0;
    return [{ kind: "message", data }];
  };

  return {
    read(chunk) {
      unread = unread.length === 0 ? chunk : Buffer.concat([unread, chunk]);
      const events: FrameEvent[] = [];
      for (;;) {
        const frame = readFrame(unread, maxMessageBytes - fragmentBytes);
        if (frame === undefined) return events;
        unread = unread.subarray(frame.byteCount);
        events.push(...(isControl(frame.opcode) ? controlEvents(frame) : takeMessage(frame)));
      }
    },
  };
}

interface Frame {
  readonly opcode: number;
  readonly isFinal: boolean;
  readonly payload: Buffer;
  /** Of the whole frame. */
  readonly byteCount: number;
}

/** Undefined until all of it is there; a frame that is too large is refused by its header already. */
function readFrame(bytes: Buffer, maxBytes: number): Frame | undefined {
  if (bytes.length < 2) return undefined;
  const [first = 0, second = 0] = bytes;
  const opcode = first & 0x0f;
  const isFinal = (first & FINAL) !== 0;
  checkHeader(first, second);
  const short = second & 0x7f;
  const extra = short < 126 ? 0 : short === 126 ? 2 : 8;
  if (bytes.length < 2 + extra) return undefined;
  const length = extra === 0 ? short : extra === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (!isControl(opcode) && length > maxBytes) {
    throw new WebSocketError(closeCodes.tooBig, `a message is larger than ${maxBytes} bytes`);
  }
  const byteCount = 2 + extra + length;
  if (bytes.length < byteCount) return undefined;
  return { opcode, isFinal, payload: bytes.subarray(2 + extra, byteCount), byteCount };
}

const knownOpcodes: ReadonlySet<number> = new Set(Object.values(opcodes));

function checkHeader(first: number, second: number): void {
  const opcode = first & 0x0f;
  if ((first & RESERVED) !== 0) throw violation("reserved bits are set, though no extension was agreed");
  if (!knownOpcodes.has(opcode)) throw violation(`opcode ${opcode} is unknown`);
  if ((second & MASKED) !== 0) throw violation("a server's frame is masked");
  if (!isControl(opcode)) return;
  if ((first & FINAL) === 0) throw violation("a control frame is fragmented");
  if ((second & 0x7f) > MAX_CONTROL_BYTES) throw violation("a control frame is too long");
}

function controlEvents({ opcode, payload }: Frame): FrameEvent[] {
  if (opcode === opcodes.ping) return [{ kind: "ping", data: payload }];
  if (opcode === opcodes.pong) return [];
  if (payload.length === 0) return [{ kind: "close", code: closeCodes.none, reason: "" }];
  const code = payload.length === 1 ? 0 : payload.readUInt16BE(0);
  if (!isCloseCode(code)) throw violation(`close code ${code} may not be sent`);
  return [{ kind: "close", code, reason: payload.subarray(2).toString("utf8") }];
}

/** Section 7.4: 1004 to 1006 and 1015 stand for states that no frame tells. */
function isCloseCode(code: number): boolean {
  if (code >= 3000) return code <= 4999;
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

function isControl(opcode: number): boolean {
  return opcode >= opcodes.close;
}

function violation(what: string): WebSocketError {
  return new WebSocketError(closeCodes.protocol, `Cannot read from the WebSocket: ${what}`);
}
