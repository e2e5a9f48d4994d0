import assert from "node:assert/strict";
import { test } from "node:test";
import { secretTtlMs } from "./secret-ttl.ts";

test("secretTtlMs() reads SECRET_TTL as Istio's agent does, and leaves the rest to the default", () => {
  const expected: readonly (readonly [string, number | undefined])[] = [
    ["60s", 60_000],
    ["1h30m", 5_400_000],
    ["24h0m0s", 86_400_000],
    ["", undefined],
    ["60", undefined],
    ["500ms", undefined],
    ["-1h", undefined],
    ["soon", undefined],
  ];
  for (const [text, ttlMs] of expected) assert.equal(secretTtlMs({ SECRET_TTL: text }), ttlMs, text);
  assert.equal(secretTtlMs({}), undefined);
});
