import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSpiffeId, spiffeId } from "./spiffe-id.ts";

const reviews = { trustDomain: "cluster.local", namespace: "shop", serviceAccount: "book.reviews-1" };

test("spiffeId() writes what parseSpiffeId() reads", () => {
  const id = spiffeId(reviews);
  assert.equal(id, "spiffe://cluster.local/ns/shop/sa/book.reviews-1");
  assert.deepEqual(parseSpiffeId(id), reviews);
});

test("spiffeId() throws for a namespace that would add a segment", () => {
  assert.throws(() => spiffeId({ ...reviews, namespace: "shop/sa/admin" }), /Cannot make/);
});

const malformed = [
  "",
  "spiffe://",
  "SPIFFE://cluster.local/ns/shop/sa/reviews",
  "https://cluster.local/ns/shop/sa/reviews",
  "spiffe://Cluster.local/ns/shop/sa/reviews",
  "spiffe://cluster.local:8080/ns/shop/sa/reviews",
  "spiffe://user@cluster.local/ns/shop/sa/reviews",
  "spiffe:///ns/shop/sa/reviews",
  "spiffe://cluster.local/ns//sa/reviews",
  "spiffe://cluster.local/ns/shop/sa/",
  "spiffe://cluster.local/ns/shop/sa/reviews/",
  "spiffe://cluster.local/ns/shop/sa/reviews/x",
  "spiffe://cluster.local/ns/shop/sa/..",
  "spiffe://cluster.local/ns/shop/sa/a%2fb",
  "spiffe://cluster.local/ns/shop/sa/reviews?x=1",
  "spiffe://cluster.local/ns/shop/sa/reviews#x",
  "spiffe://cluster.local/ns/shop/sa/reviews\n",
  "spiffe://cluster.local/ns/shop/sa/reviews\0",
  "spiffe://cluster.local/sa/reviews/ns/shop",
  ` spiffe://cluster.local/ns/shop/sa/reviews`,
  `spiffe://cluster.local/ns/${"a".repeat(64)}/sa/reviews`,
];

for (const text of malformed) {
  test(`parseSpiffeId() refuses ${JSON.stringify(text.slice(0, 60))}`, () => {
    assert.equal(parseSpiffeId(text), undefined);
  });
}
