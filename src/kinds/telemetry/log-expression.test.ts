import assert from "node:assert/strict";
import { test } from "node:test";
import { refusedExpressions, takenExpressions } from "../../../tests/support/expressions.ts";
import { findExpressionFault } from "./log-expression.ts";

for (const expression of takenExpressions) {
  test(`findExpressionFault() takes ${expression}`, () =>
    assert.equal(findExpressionFault(expression), undefined));
}

for (const [expression, fault] of Object.entries(refusedExpressions)) {
  test(`findExpressionFault() says what is wrong with ${expression.slice(0, 20)}`, () => {
    assert.equal(findExpressionFault(expression), fault);
  });
}

for (const [expression, fault] of [
  ["(".repeat(2_000), "it is nested too deeply"],
  ["a".repeat(5_000), "found 5000 characters, wanted at most 4096"],
] as const) {
  test(`findExpressionFault() reads no more than it can of ${expression.slice(0, 20)}`, () => {
    assert.equal(findExpressionFault(expression), fault);
  });
}
