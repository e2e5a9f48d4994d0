import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { applyJsonPatch } from "./apply-json-patch.ts";
import { diffJson } from "./json-patch.ts";

test("diffJson() gives nothing for equal values", () => {
  assert.deepEqual(diffJson({ a: [{ name: "x", b: 1 }] }, { a: [{ name: "x", b: 1 }] }), []);
});

test("diffJson() adds an item with a name where it belongs and leaves the others alone", () => {
  const app = { name: "app", image: "shop/web" };
  const proxy = { name: "istio-proxy", image: "agent" };
  assert.deepEqual(diffJson({ containers: [app] }, { containers: [proxy, { ...app, tty: true }] }), [
    { op: "add", path: "/containers/0", value: proxy },
    { op: "add", path: "/containers/1/tty", value: true },
  ]);
});

test("diffJson() escapes what a pointer gives a meaning", () => {
  assert.deepEqual(diffJson({}, { "istio.io/rev~": "a" }), [
    { op: "add", path: "/istio.io~1rev~0", value: "a" },
  ]);
});

test("diffJson() takes a field of value undefined for one that isn't there", () => {
  assert.deepEqual(diffJson({ a: 1 }, { a: undefined }), [{ op: "remove", path: "/a" }]);
});

test("applying diffJson() gives the value after, whatever both are", () => {
  const item = fc.record(
    { name: fc.constantFrom("a", "b", "c", "d"), value: fc.jsonValue({ maxDepth: 1 }) },
    { requiredKeys: ["name"] },
  );
  const value = fc.oneof(
    fc.jsonValue(),
    fc.dictionary(fc.constantFrom("a", "b", "a/b", "~"), fc.array(item, { maxLength: 4 })),
  );
  let [changedCount, namedCount] = [0, 0];
  fc.assert(
    fc.property(value, value, (before, after) => {
      const patch = diffJson(before, after);
      assert.deepEqual(plain(applyJsonPatch(before, patch)), plain(after));
      if (patch.length > 0) changedCount += 1;
      if (patch.some(({ path }) => /\/\d+/.test(path))) namedCount += 1;
    }),
    { numRuns: 1_000 },
  );
  assert.ok(changedCount > 200 && namedCount > 20, `${changedCount} changed, ${namedCount} in lists`);
});

/** As it would be on the wire. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
