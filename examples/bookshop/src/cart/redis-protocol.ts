// The Redis protocol (RESP2): commands out, replies in. Pure.

export type RedisReply = string | number | null | RedisError | readonly RedisReply[];

/** The server's refusal, as a reply. */
export class RedisError extends Error {
  override readonly name = "RedisError";
}

export function encodeCommand(words: readonly string[]): string {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return `*${words.length}\r\n${parts.join("")}`;
}

interface ReadReply {
  readonly reply: RedisReply;
  /** Where the next reply begins. */
  readonly end: number;
}

/** The reply that begins at `start`; `undefined` until all of it has arrived. */
export function readReply(bytes: Buffer, start: number): ReadReply | undefined {
  const lineEnd = bytes.indexOf("\r\n", start);
  if (lineEnd === -1) return undefined;
  const end = lineEnd + 2;
  const line = bytes.toString("utf8", start + 1, lineEnd);
  switch (String.fromCharCode(bytes[start] ?? 0)) {
    case "+":
      return { reply: line, end };
    case "-":
      return { reply: new RedisError(line), end };
    case ":":
      return { reply: Number(line), end };
    case "$":
      return readString(bytes, end, Number(line));
    case "*":
      return readArray(bytes, end, Number(line));
    default:
      throw new Error(`Cannot read a reply of Redis that begins with "${line.slice(0, 20)}"`);
  }
}

function readString(bytes: Buffer, start: number, byteCount: number): ReadReply | undefined {
  if (byteCount < 0) return { reply: null, end: start };
  const end = start + byteCount;
  if (bytes.length < end + 2) return undefined;
  return { reply: bytes.toString("utf8", start, end), end: end + 2 };
}

function readArray(bytes: Buffer, start: number, count: number): ReadReply | undefined {
  const replies: RedisReply[] = [];
  let end = start;
  while (replies.length < count) {
    const read = readReply(bytes, end);
    if (read === undefined) return undefined;
    replies.push(read.reply);
    end = read.end;
  }
  return { reply: replies, end };
}
