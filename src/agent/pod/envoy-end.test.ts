import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeEnvoyEnd, parseLastWords } from "./envoy-end.ts";

const ends = [
  { end: { code: 0, signal: null }, exitCode: 0, sentence: /was asked to quit$/ },
  { end: { code: 7, signal: null }, exitCode: 7, sentence: /ended with code 7, and said: no such field$/ },
  { end: { code: null, signal: "SIGSEGV" }, exitCode: 139, sentence: /was ended by SIGSEGV again and again/ },
  { end: { code: null, signal: null, reason: "spawn ENOENT" }, exitCode: 1, sentence: /: spawn ENOENT$/ },
];

for (const { end, exitCode, sentence } of ends) {
  test(`judgeEnvoyEnd() ends the container with ${exitCode} for ${JSON.stringify(end)}`, () => {
    const verdict = judgeEnvoyEnd(end, { path: "/bin/envoy", lastWords: "no such field" });
    assert.equal(verdict.exitCode, exitCode);
    assert.match(verdict.sentence, /^(Cannot run )?Envoy "\/bin\/envoy"/);
    assert.match(verdict.sentence, sentence);
  });
}

test("parseLastWords() hears what Envoy calls critical alone", () => {
  const line = (level: string) =>
    `2026-01-01T00:00:00.000000Z\t${level}\tenvoy main server.cc:1\tno such field\tthread=1`;
  assert.equal(parseLastWords(line("critical")), "no such field");
  assert.equal(parseLastWords(line("warning")), undefined);
  assert.equal(parseLastWords("no such field"), undefined);
});
