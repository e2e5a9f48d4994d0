import assert from "node:assert/strict";
import { test } from "node:test";
import { matchesLabels, matchesSelector } from "./label-selector.ts";

const labels = { app: "reviews", version: "v1" };

test("matchesSelector() chooses everything when it is empty", () => {
  assert.ok(matchesSelector({}, labels));
  assert.ok(matchesSelector({}, undefined));
});

test("matchesSelector() wants every label and every expression", () => {
  const cases: [string, string[], boolean][] = [
    ["In", ["v1", "v2"], true],
    ["In", ["v2"], false],
    ["NotIn", ["v2"], true],
    ["NotIn", ["v1"], false],
    ["Exists", [], true],
    ["DoesNotExist", [], false],
    ["Perhaps", [], false],
  ];
  for (const [operator, values, expected] of cases) {
    const selector = {
      matchLabels: { app: "reviews" },
      matchExpressions: [{ key: "version", operator, values }],
    };
    assert.equal(matchesSelector(selector, labels), expected, operator);
  }
  assert.ok(
    matchesSelector({ matchExpressions: [{ key: "tier", operator: "NotIn", values: ["x"] }] }, labels),
  );
  assert.ok(!matchesSelector({ matchExpressions: [{ key: "toString", operator: "Exists" }] }, labels));
});

test("matchesLabels() needs each pair", () => {
  assert.ok(matchesLabels({ app: "reviews" }, labels));
  assert.ok(!matchesLabels({ app: "reviews", zone: "a" }, labels));
  assert.ok(!matchesLabels({ app: "reviews" }, undefined));
});
