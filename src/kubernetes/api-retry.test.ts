import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiSilence, apiErrorOf } from "./api-error.ts";
import { createApiRetry } from "./api-retry.ts";

const unreachable = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
const silence = new ApiSilence("Cannot GET /api/v1/pods: no connection in time");
const badGateway = apiErrorOf("Cannot list", 502, "<html>Bad gateway</html>");
const forbidden = apiErrorOf("Cannot list", 403, { kind: "Status", reason: "Forbidden" });

function delaysAfter(errors: readonly unknown[]): number[] {
  const retry = createApiRetry({ firstMs: 500, maxMs: 15_000 }, () => 1);
  return errors.map((error) => retry.delayAfterMs(error));
}

for (const error of [unreachable, silence, badGateway]) {
  test(`createApiRetry() waits 3 s at the most for a server that is away: ${error.message}`, () => {
    assert.deepEqual(delaysAfter([error, error, error, error, error]), [500, 1_000, 2_000, 3_000, 3_000]);
  });
}

test("createApiRetry() waits longer for a server that refuses, from the first refusal on", () => {
  const delays = delaysAfter([...Array(9).fill(silence), ...Array(6).fill(forbidden)]);
  assert.deepEqual(delays.slice(9), [500, 1_000, 2_000, 4_000, 8_000, 15_000]);
});

test("createApiRetry() waits as long as the server asks for, and begins anew after a success", () => {
  const status = { kind: "Status", reason: "TooManyRequests", details: { retryAfterSeconds: 7 } };
  const retry = createApiRetry({ firstMs: 500, maxMs: 15_000 }, () => 1);
  assert.equal(retry.delayAfterMs(apiErrorOf("Cannot list", 429, status)), 7_000);
  retry.succeeded();
  assert.equal(retry.delayAfterMs(forbidden), 500);
});
