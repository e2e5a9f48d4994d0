import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { GrpcError, readStatus, statusTrailers } from "./status.ts";
import { formatTimeout, parseTimeout } from "./timeout.ts";

test("statusTrailers() carries any text through readStatus()", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 60 }), (message) => {
      const read = readStatus({ ...statusTrailers("NOT_FOUND", message) });
      assert.ok(read instanceof GrpcError);
      assert.equal(read.status, "NOT_FOUND");
      assert.equal(read.message, Buffer.from(message).toString());
    }),
  );
});

test("statusTrailers() holds only printable ASCII", () => {
  assert.deepEqual(statusTrailers("INTERNAL", "50% é\n"), {
    "grpc-status": "13",
    "grpc-message": "50%25 %C3%A9%0A",
  });
});

test("readStatus() takes a wrongly encoded message as it stands", () => {
  const read = readStatus({ "grpc-status": "99", "grpc-message": "%zz" });
  assert.ok(read instanceof GrpcError);
  assert.deepEqual([read.status, read.message], ["UNKNOWN", "%zz"]);
});

const timeouts: readonly (readonly [string, number | "invalid"])[] = [
  ["1S", 1000],
  ["250m", 250],
  ["2M", 120_000],
  ["1H", 3_600_000],
  ["1500u", 2],
  ["1n", 1],
  ["0m", 0],
  ["123456789m", "invalid"],
  ["-1S", "invalid"],
  ["1.5S", "invalid"],
  ["S", "invalid"],
  ["10s", "invalid"],
  ["", "invalid"],
];

for (const [header, expected] of timeouts) {
  test(`parseTimeout() reads "${header}" as ${expected}`, () => {
    assert.equal(parseTimeout(header), expected);
  });
}

test("formatTimeout() is read back, never longer than asked", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 9e9, noNaN: true }), (timeoutMs) => {
      const read = parseTimeout(formatTimeout(timeoutMs));
      assert.notEqual(read, "invalid");
      assert.ok(Number(read) <= timeoutMs && timeoutMs - Number(read) <= 1000);
    }),
  );
});
