import assert from "node:assert/strict";
import { test } from "node:test";
import { matchingFields } from "./field-pattern.ts";

const object = { spec: { http: [{ fault: { delay: 1, abort: 2 } }, {}, { fault: null }], tags: { a: 1 } } };

function matchingPaths(value: unknown, pattern: string): string[] {
  return matchingFields(value, pattern).map(({ path }) => path);
}

test("matchingFields() goes into lists and keys, and passes over what isn't set", () => {
  assert.deepEqual(matchingPaths(object, "spec.http[].fault"), ["spec.http[0].fault"]);
  assert.deepEqual(matchingPaths(object, "spec.http[].fault.*"), [
    "spec.http[0].fault.delay",
    "spec.http[0].fault.abort",
  ]);
  assert.deepEqual(matchingPaths(object, "spec.tags[]"), []);
  assert.deepEqual(matchingPaths(object, "spec.tls[].match"), []);
  assert.deepEqual(matchingPaths(object, "spec.tags"), ["spec.tags"]);
});
