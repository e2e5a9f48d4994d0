import assert from "node:assert/strict";
import { test } from "node:test";
import {
  LATENCY_BUCKET_COUNT,
  latencyBoundsMs,
  latencyBucketOf,
  latencyQuantileMs,
} from "./latency-buckets.ts";

function countsOf(...durationsMs: readonly number[]): number[] {
  const counts = new Array<number>(LATENCY_BUCKET_COUNT).fill(0);
  for (const duration of durationsMs) {
    const bucket = latencyBucketOf(duration);
    counts[bucket] = (counts[bucket] ?? 0) + 1;
  }
  return counts;
}

test("latencyBucketOf() takes a bound into its own bucket, and everything else into one", () => {
  for (const [bucket, bound] of latencyBoundsMs.entries()) {
    assert.equal(latencyBucketOf(bound), bucket);
    assert.equal(latencyBucketOf(bound + 0.001), bucket + 1);
  }
  assert.equal(latencyBucketOf(0), 0);
  assert.equal(latencyBucketOf(Number.MAX_SAFE_INTEGER), LATENCY_BUCKET_COUNT - 1);
});

test("latencyQuantileMs() is within the bucket of the request that it is about", () => {
  const counts = countsOf(...new Array<number>(98).fill(10), 90, 4_000);
  assert.ok(Number(latencyQuantileMs(counts, 0.5)) > 8 && Number(latencyQuantileMs(counts, 0.5)) <= 12);
  assert.ok(Number(latencyQuantileMs(counts, 0.99)) > 70 && Number(latencyQuantileMs(counts, 0.99)) <= 100);
  assert.ok(Number(latencyQuantileMs(counts, 1)) > 2_000 && Number(latencyQuantileMs(counts, 1)) <= 5_000);
});

test("latencyQuantileMs() knows nothing of no request, and only the last bound of what is beyond", () => {
  assert.equal(latencyQuantileMs(countsOf(), 0.5), undefined);
  assert.equal(latencyQuantileMs(countsOf(1e9), 0.5), 30_000);
});
