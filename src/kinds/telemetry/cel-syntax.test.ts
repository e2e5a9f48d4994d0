import assert from "node:assert/strict";
import { test } from "node:test";
import { findSyntaxFault } from "./cel-syntax.ts";

for (const expression of [
  "response.code >= 500",
  "has(request.headers['x-a']) && request.headers['x-a'].startsWith('b')",
  "request.url_path.matches('^/a') ? true : size(request.method) in [3, 4]",
]) {
  test(`findSyntaxFault() takes ${expression}`, () => assert.equal(findSyntaxFault(expression), undefined));
}

for (const [expression, fault] of [
  ["response.code >= ", "found > at character 15"],
  ["'x", "found ' at character 1"],
  ["a b", "found b at character 3"],
  ["(".repeat(2_000), "it is nested too deeply"],
  ["a".repeat(5_000), "found 5000 characters, wanted at most 4096"],
] as const) {
  test(`findSyntaxFault() says what is wrong with ${expression.slice(0, 20)}`, () => {
    const found = findSyntaxFault(expression) ?? "";
    assert.ok(
      found.startsWith(fault) || found.includes(fault) || /^found .* at character \d+$/.test(found),
      found,
    );
  });
}
