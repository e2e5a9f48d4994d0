import assert from "node:assert/strict";
import { test } from "node:test";
import { nearestSpelling, spellingHint } from "./nearest-spelling.ts";

const fields = ["weight", "destination", "headers", "perTryTimeout", "http", "tcp", "tls"];

test("nearestSpelling() finds slips of the finger and other ways to write the same word", () => {
  const cases = [
    ["wieght", "weight"],
    ["Weight", "weight"],
    ["destinations", "destination"],
    ["per_try_timeout", "perTryTimeout"],
    ["htp", "http"],
  ] as const;
  for (const [word, expected] of cases) assert.equal(nearestSpelling(word, fields), expected, word);
});

test("nearestSpelling() gives nothing for a word of its own", () => {
  for (const word of ["banana", "x", ""]) assert.equal(nearestSpelling(word, fields), undefined, word);
});

test("spellingHint() asks", () => {
  assert.equal(spellingHint("hedaers", fields), 'did you mean "headers"?');
});
