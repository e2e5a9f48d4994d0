import assert from "node:assert/strict";
import { test } from "node:test";
import { structurallyEqual } from "./structural-equality.ts";

class Opaque {
  readonly #secret: number;
  constructor(secret: number) {
    this.#secret = secret;
  }
  reveal(): number {
    return this.#secret;
  }
}

const equal: readonly (readonly [string, unknown, unknown])[] = [
  ["records whatever the order of their keys", { a: 1, b: [2, { c: 3 }] }, { b: [2, { c: 3 }], a: 1 }],
  ["NaN", NaN, NaN],
  ["bytes", Uint8Array.of(1, 2), Uint8Array.of(1, 2)],
  ["maps", new Map([["a", { b: 1 }]]), new Map([["a", { b: 1 }]])],
  ["sets", new Set(["a", "b"]), new Set(["b", "a"])],
  ["dates", new Date(5), new Date(5)],
  ["records without a prototype", Object.create(null), Object.create(null)],
];

const different: readonly (readonly [string, unknown, unknown])[] = [
  ["a missing and an undefined field", { a: undefined }, { b: undefined }],
  ["an array and a record", [], {}],
  ["arrays of other lengths", [1], [1, 2]],
  ["deep leaves", { a: [{ b: 1 }] }, { a: [{ b: 2 }] }],
  ["null and a record", null, {}],
  ["a number and its text", 1, "1"],
  ["bytes", Uint8Array.of(1, 2), Uint8Array.of(1, 3)],
  ["maps", new Map([["a", 1]]), new Map([["b", 1]])],
  ["sets", new Set(["a"]), new Set(["b"])],
  ["class instances, which may hide a difference", new Opaque(1), new Opaque(1)],
  ["functions", () => 1, () => 1],
];

for (const [name, a, b] of equal) {
  test(`structurallyEqual() holds for ${name}`, () => assert.equal(structurallyEqual(a, b), true));
}

for (const [name, a, b] of different) {
  test(`structurallyEqual() tells apart ${name}`, () => {
    assert.equal(structurallyEqual(a, b), false);
    assert.equal(structurallyEqual(b, a), false);
  });
}
