// The buckets in which times of requests are counted, finer than Prometheus' where most requests are: agents count by
// them, the control plane adds them up, and quantiles are read from the sums.

/** Upper bounds in ms, inclusive; what is above the last is counted in one more bucket. */
export const latencyBoundsMs: readonly number[] = [
  1, 2, 3, 4, 6, 8, 12, 16, 25, 35, 50, 70, 100, 150, 200, 300, 400, 600, 1_000, 2_000, 5_000, 10_000, 30_000,
];

export const LATENCY_BUCKET_COUNT = latencyBoundsMs.length + 1;

export function latencyBucketOf(durationMs: number): number {
  let bucket = 0;
  while (bucket < latencyBoundsMs.length && durationMs > (latencyBoundsMs[bucket] ?? 0)) bucket += 1;
  return bucket;
}

/**
 * The time in ms within which this share of requests (0 to 1) ended, linear within a bucket; in the last bucket its lower
 * bound. Undefined where there are none.
 */
export function latencyQuantileMs(counts: readonly number[], share: number): number | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  const wanted = share * total;
  let below = 0;
  for (const [bucket, count] of counts.entries()) {
    if (count > 0 && below + count >= wanted) {
      const from = latencyBoundsMs[bucket - 1] ?? 0;
      const to = latencyBoundsMs[bucket] ?? from;
      return from + ((to - from) * Math.max(0, wanted - below)) / count;
    }
    below += count;
  }
  return latencyBoundsMs.at(-1);
}
