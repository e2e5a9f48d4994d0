import assert from "node:assert/strict";
import { test } from "node:test";
import { objectKey, objectKeyText, parseObjectKey } from "./object-key.ts";

test("parseObjectKey() gives back what objectKey() took", () => {
  const parts = { kind: "VirtualService", namespace: "shop", name: "reviews" };
  assert.deepEqual(parseObjectKey(objectKey(parts)), parts);
});

test("objectKeyText() leaves out the namespace of a kind without", () => {
  assert.equal(
    objectKeyText(objectKey({ kind: "Namespace", namespace: "", name: "shop" })),
    "Namespace shop",
  );
  assert.equal(
    objectKeyText(objectKey({ kind: "Service", namespace: "shop", name: "web" })),
    "Service shop/web",
  );
});
