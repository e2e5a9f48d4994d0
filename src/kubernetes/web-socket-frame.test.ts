import assert from "node:assert/strict";
import { test } from "node:test";
import { createFrameReader, encodeClose, encodeFrame, opcodes } from "./web-socket-frame.ts";

const mask = Buffer.from([1, 2, 3, 4]);

/** A frame as a server writes it: without a mask. */
function serverFrame(first: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const extra = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const header = Buffer.alloc(2 + extra);
  header[0] = first;
  header[1] = extra === 0 ? length : extra === 2 ? 126 : 127;
  if (extra === 2) header.writeUInt16BE(length, 2);
  if (extra === 8) header.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([header, payload]);
}

const FINAL = 0x80;
const text = (value: string) => Buffer.from(value);
const read = (...chunks: readonly Buffer[]) => {
  const reader = createFrameReader(100_000);
  return chunks.flatMap((chunk) => reader.read(chunk));
};

test("encodeFrame() masks the payload, as section 5.7 of the RFC shows", () => {
  const frame = encodeFrame(opcodes.text, text("Hello"), Buffer.from([0x37, 0xfa, 0x21, 0x3d]));
  assert.equal(frame.toString("hex"), "818537fa213d7f9f4d5158");
});

test("encodeFrame() writes lengths of 7, 16 and 64 bits", () => {
  const headers = [125, 126, 65_535, 65_536].map((length) =>
    encodeFrame(opcodes.binary, Buffer.alloc(length), mask).subarray(1, 10),
  );
  assert.equal(headers[0]?.[0], FINAL | 125);
  assert.deepEqual([headers[1]?.[0], headers[1]?.readUInt16BE(1)], [FINAL | 126, 126]);
  assert.deepEqual([headers[2]?.[0], headers[2]?.readUInt16BE(1)], [FINAL | 126, 65_535]);
  assert.deepEqual([headers[3]?.[0], headers[3]?.readBigUInt64BE(1)], [FINAL | 127, 65_536n]);
});

test("encodeClose() carries the code", () => {
  const frame = encodeClose(1000, Buffer.alloc(4));
  assert.deepEqual([...frame], [FINAL | opcodes.close, FINAL | 2, 0, 0, 0, 0, 0x03, 0xe8]);
});

for (const length of [0, 125, 126, 70_000]) {
  test(`createFrameReader() reads a message of ${length} bytes, byte by byte`, () => {
    const data = Buffer.alloc(length, 7);
    const bytes = serverFrame(FINAL | opcodes.binary, data);
    const step = Math.max(1, Math.floor(length / 50));
    const chunks = Array.from({ length: Math.ceil(bytes.length / step) }, (_, index) =>
      bytes.subarray(index * step, (index + 1) * step),
    );
    assert.deepEqual(read(...chunks), [{ kind: "message", data }]);
  });
}

test("createFrameReader() joins fragments around a ping", () => {
  const bytes = Buffer.concat([
    serverFrame(opcodes.text, text("one ")),
    serverFrame(FINAL | opcodes.ping, text("?")),
    serverFrame(FINAL | opcodes.continuation, text("message")),
  ]);
  assert.deepEqual(read(bytes), [
    { kind: "ping", data: text("?") },
    { kind: "message", data: text("one message") },
  ]);
});

test("createFrameReader() reads why it is closed", () => {
  const payload = Buffer.concat([Buffer.from([0x03, 0xf3]), text("no")]);
  assert.deepEqual(read(serverFrame(FINAL | opcodes.close, payload)), [
    { kind: "close", code: 1011, reason: "no" },
  ]);
  assert.deepEqual(read(serverFrame(FINAL | opcodes.close, Buffer.alloc(0))), [
    { kind: "close", code: 1005, reason: "" },
  ]);
});

const violations: readonly (readonly [string, Buffer, RegExp])[] = [
  ["reserved bits", serverFrame(0xc2, text("x")), /reserved bits/],
  ["an unknown opcode", serverFrame(0x83, text("x")), /opcode 3 is unknown/],
  ["a masked frame", encodeFrame(opcodes.text, text("x"), mask), /masked/],
  ["a fragmented ping", serverFrame(opcodes.ping, text("x")), /fragmented/],
  ["a long ping", serverFrame(FINAL | opcodes.ping, Buffer.alloc(126)), /too long/],
  ["a continuation of nothing", serverFrame(FINAL, text("x")), /continuation of nothing/],
  [
    "a message within a message",
    Buffer.concat([serverFrame(opcodes.text, text("a")), serverFrame(FINAL | opcodes.text, text("b"))]),
    /message within a message/,
  ],
  ["a close code of one byte", serverFrame(FINAL | opcodes.close, Buffer.from([3])), /close code 0/],
  ["a close code for no frame", serverFrame(FINAL | opcodes.close, Buffer.from([0x03, 0xee])), /code 1006/],
];

for (const [what, bytes, message] of violations) {
  test(`createFrameReader() refuses ${what}`, () => {
    assert.throws(() => read(bytes), { name: "WebSocketError", code: 1002, message });
  });
}

test("createFrameReader() refuses a message that grows too large, before it is there", () => {
  const header = serverFrame(FINAL | opcodes.binary, Buffer.alloc(100_001)).subarray(0, 10);
  assert.throws(() => read(header), { code: 1009 });
  const fragment = serverFrame(opcodes.binary, Buffer.alloc(60_000));
  const rest = serverFrame(FINAL | opcodes.continuation, Buffer.alloc(60_000));
  assert.throws(() => read(fragment, rest), { code: 1009 });
});
