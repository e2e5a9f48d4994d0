import assert from "node:assert/strict";
import { test } from "node:test";
import { isPrintable, printable, printableLines } from "./printable.ts";

test("printable() leaves nothing that a terminal obeys, and everything else", () => {
  for (const text of ["a\u001b[2Jb", "a\u009b2Jb", "a\nb", "a\rb", "a\u202eb", "a\u2066b", "\u007f"]) {
    assert.equal(isPrintable(text), false, JSON.stringify(text));
    assert.ok(isPrintable(printable(text)), JSON.stringify(text));
  }
  assert.equal(printable("/straße/寿司?q=1"), "/straße/寿司?q=1");
  assert.equal(printable("a\u001bb\u001bc"), "a?b?c");
});

test("printableLines() keeps lines, and nothing else that a terminal obeys", () => {
  assert.equal(printableLines("a\u001b[2J\nb\r\n"), "a?[2J\nb?\n");
});
