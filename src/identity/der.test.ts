import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  childrenOf,
  contentOf,
  DerError,
  objectIdentifierOf,
  readDer,
  unsignedIntegerOf,
} from "./der-reader.ts";
import { derTag } from "./der-tag.ts";
import {
  derElement,
  derObjectIdentifier,
  derOctetString,
  derSequence,
  derTime,
  derUnsignedInteger,
} from "./der-writer.ts";

test("readDer() gives back the children that derSequence() wrote, of any length", () => {
  let longest = 0;
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 70_000, size: "max" }), { maxLength: 3 }), (contents) => {
      const children = childrenOf(
        readDer(derSequence(...contents.map(derOctetString))),
        derTag.sequence,
        "list",
      );
      assert.equal(children.length, contents.length);
      for (const [index, content] of contents.entries()) {
        longest = Math.max(longest, content.length);
        assert.deepEqual(
          Buffer.from(contentOf(children[index], derTag.octetString, "item")),
          Buffer.from(content),
        );
      }
    }),
    { numRuns: 50 },
  );
  assert.ok(longest > 0x100, "long lengths were tried");
});

test("unsignedIntegerOf() reads what derUnsignedInteger() wrote", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 1n << 130n }), (value) => {
      const hex = value.toString(16);
      const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
      const read = unsignedIntegerOf(readDer(derUnsignedInteger(bytes)), "number");
      assert.equal(BigInt(`0x${Buffer.from(read).toString("hex")}`), value);
    }),
  );
});

test("objectIdentifierOf() reads what derObjectIdentifier() wrote", () => {
  for (const dotted of ["1.2.840.113549.1.1.11", "2.5.29.17", "0.9.2342", "2.999.3", "1.3.6.1.4.1.311"]) {
    assert.equal(objectIdentifierOf(readDer(derObjectIdentifier(dotted)), "name"), dotted);
  }
});

const refused: Readonly<Record<string, string>> = {
  "an indefinite length": "30800000",
  "a long form for a short length": "048101ff",
  "a leading zero in a length": "04820001ff",
  "a tag of several bytes": "1f0100",
  "content that ends early": "0405ff",
  "bytes after the end": "0500ff",
  "an empty input": "",
  "a tag alone": "30",
};

for (const [name, hex] of Object.entries(refused)) {
  test(`readDer() refuses ${name}`, () => {
    assert.throws(() => readDer(Buffer.from(hex, "hex")), DerError);
  });
}

test("unsignedIntegerOf() refuses negative, empty and padded integers", () => {
  for (const content of [[0x80], [], [0, 1], [0, 0]]) {
    const element = readDer(derElement(derTag.integer, Uint8Array.from(content)));
    assert.throws(() => unsignedIntegerOf(element, "number"), DerError);
  }
});

test("derTime() changes its form at 2050", () => {
  const text = (ms: number) => Buffer.from(readDer(derTime(ms)).content).toString();
  assert.equal(text(Date.UTC(2049, 11, 31, 23, 59, 59)), "491231235959Z");
  assert.equal(text(Date.UTC(2050, 0, 1)), "20500101000000Z");
});
