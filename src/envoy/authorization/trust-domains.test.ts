import assert from "node:assert/strict";
import { test } from "node:test";
import { expandTrustDomains, principalsOfTrustDomains } from "./trust-domains.ts";

for (const [written, domains, wanted] of [
  ["new/ns/a/sa/b", ["new", "old"], ["new/ns/a/sa/b", "old/ns/a/sa/b"]],
  ["old/ns/a/sa/b", ["new", "old"], ["new/ns/a/sa/b", "old/ns/a/sa/b"]],
  ["cluster.local/ns/a/sa/b", ["new"], ["new/ns/a/sa/b"]],
  ["foreign/ns/a/sa/b", ["new", "old"], ["foreign/ns/a/sa/b"]],
  ["*/ns/a/sa/b", ["new", "old"], ["*/ns/a/sa/b"]],
  ["*ld/ns/a/sa/b", ["new", "old", "cold"], ["new/ns/a/sa/b", "*ld/ns/a/sa/b"]],
  ["new/sa/b", ["new", "old"], ["new/sa/b"]],
  ["*", ["new", "old"], ["*"]],
  ["cluster.local/ns/a/sa/b", [], ["cluster.local/ns/a/sa/b"]],
] as const) {
  test(`principalsOfTrustDomains() of ${written} in ${domains.join(", ") || "none"}`, () =>
    assert.deepEqual(principalsOfTrustDomains(written, domains), wanted));
}

test("expandTrustDomains() takes one of the mesh's for all of them, once", () => {
  assert.deepEqual(expandTrustDomains(["old", "x", "new"], ["new", "old"]), ["new", "old", "x"]);
});
