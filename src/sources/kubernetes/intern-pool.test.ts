import assert from "node:assert/strict";
import { test } from "node:test";
import { createInternPool } from "./intern-pool.ts";

test("record() gives equal maps one copy", () => {
  const pool = createInternPool();
  assert.equal(pool.record({ app: "web" }), pool.record({ app: "web" }));
  assert.notEqual(pool.record({ app: "web" }), pool.record({ app: "api" }));
});

test("record() keeps what is asked for again and again, though it forgets what isn't", () => {
  const pool = createInternPool(10);
  const kept = pool.record({ app: "kept" });
  const forgotten = pool.record({ app: "forgotten" });
  for (let index = 0; index < 100; index++) {
    pool.record({ index: String(index) });
    assert.equal(pool.record({ app: "kept" }), kept);
  }
  assert.notEqual(pool.record({ app: "forgotten" }), forgotten);
});
