import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDownwardFile } from "./downward-file.ts";

test("parseDownwardFile() reads one pair a line", () => {
  const text = 'app="reviews"\nservice.istio.io/canonical-name="reviews"';
  assert.deepEqual(parseDownwardFile(text), { app: "reviews", "service.istio.io/canonical-name": "reviews" });
});

test("parseDownwardFile() undoes Go's escapes", () => {
  const text = String.raw`note="say \"hi\"\n\ta=b \\ \x1b \a \U0001f600 é"`;
  assert.deepEqual(parseDownwardFile(text), { note: 'say "hi"\n\ta=b \\ \u001b \u0007 😀 é' });
});

test("parseDownwardFile() leaves out what isn't a pair", () => {
  assert.deepEqual(parseDownwardFile('\nnonsense\na="1"\nb=2\nc="'), { a: "1" });
});
