import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { childPath, pathSteps } from "./field-path.ts";

test("childPath() quotes only names that would be misread", () => {
  assert.equal(childPath("", "spec"), "spec");
  assert.equal(childPath("spec.http", 0), "spec.http[0]");
  assert.equal(
    childPath("metadata.labels", "app.kubernetes.io/name"),
    'metadata.labels["app.kubernetes.io/name"]',
  );
});

test("pathSteps() undoes childPath() for any names", () => {
  const steps = fc.array(fc.oneof(fc.string({ minLength: 1 }), fc.nat(9999)), { maxLength: 6 });
  fc.assert(
    fc.property(steps, (wanted) => {
      const path = wanted.reduce<string>((parent, child) => childPath(parent, child), "");
      assert.deepEqual(pathSteps(path), wanted);
    }),
  );
});

test("pathSteps() ends at what it can't read", () => {
  assert.deepEqual(pathSteps('a.b["c'), ["a", "b"]);
});
