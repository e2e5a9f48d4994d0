import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createFrameParser, encodeFrameHeader } from "./frame.ts";
import { GrpcError } from "./status.ts";

function frame(message: Uint8Array): Buffer {
  return Buffer.concat([encodeFrameHeader(message.length), message]);
}

/** Cuts bytes at the given places (taken modulo their length). */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const cuts = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  const starts = [0, ...cuts];
  return starts.map((start, index) => bytes.subarray(start, starts[index + 1] ?? bytes.length));
}

test("FrameParser.push() returns the same messages however the bytes are cut", () => {
  let messageCount = 0;
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }),
      fc.array(fc.nat(500), { maxLength: 12 }),
      (messages, places) => {
        const parser = createFrameParser(64);
        const received = cut(Buffer.concat(messages.map(frame)), places).flatMap((chunk) =>
          parser.push(chunk),
        );
        assert.deepEqual(
          received.map((message) => [...message]),
          messages.map((message) => [...message]),
        );
        assert.equal(parser.isMidFrame(), false);
        messageCount += received.length;
      },
    ),
    { numRuns: 500 },
  );
  assert.ok(messageCount > 200, `only ${messageCount} messages were tried`);
});

test("FrameParser.push() throws nothing but GrpcError on arbitrary bytes, and holds no more than the limit", () => {
  let refusedCount = 0;
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 8 }), (chunks) => {
      const parser = createFrameParser(100);
      try {
        for (const chunk of chunks) {
          for (const message of parser.push(chunk)) assert.ok(message.length <= 100);
        }
      } catch (error) {
        assert.ok(error instanceof GrpcError);
        refusedCount += 1;
      }
    }),
    { numRuns: 500 },
  );
  assert.ok(refusedCount > 50);
});

test("FrameParser.push() refuses a message over the limit from its header alone", () => {
  const parser = createFrameParser(10);
  assert.throws(() => parser.push(encodeFrameHeader(11)), { status: "RESOURCE_EXHAUSTED" });
});

test("FrameParser.push() refuses a compressed message", () => {
  const parser = createFrameParser(10);
  assert.throws(() => parser.push(Uint8Array.of(1, 0, 0, 0, 0)), { status: "UNIMPLEMENTED" });
});

test("FrameParser.isMidFrame() tells a cut frame from a whole one", () => {
  const parser = createFrameParser(10);
  parser.push(frame(Uint8Array.of(1, 2, 3)).subarray(0, 6));
  assert.equal(parser.isMidFrame(), true);
  parser.push(Uint8Array.of(2, 3));
  assert.equal(parser.isMidFrame(), false);
});
