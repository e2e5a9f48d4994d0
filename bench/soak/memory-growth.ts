// Whether something still grows after it had time to settle: by how much, and how fast.

export interface MemorySample {
  /** Since the load began. */
  readonly atMs: number;
  readonly bytes: number;
}

export interface MemoryGrowth {
  /** Median of the first quarter after the warm-up. */
  readonly settledBytes: number;
  /** Median of the last quarter. */
  readonly lastBytes: number;
  readonly peakBytes: number;
  /** Of the line that fits the samples after the warm-up best. */
  readonly bytesPerHour: number;
}

const MS_PER_HOUR = 3_600_000;

/** Throws a RangeError where fewer than 8 samples are left after the warm-up. */
export function measureGrowth(samples: readonly MemorySample[], warmUpMs: number): MemoryGrowth {
  const settled = samples.filter(({ atMs }) => atMs >= warmUpMs);
  if (settled.length < 8)
    throw new RangeError(`${settled.length} samples after the warm-up, wanted 8 or more`);
  const quarter = Math.floor(settled.length / 4);
  return {
    settledBytes: medianOf(settled.slice(0, quarter)),
    lastBytes: medianOf(settled.slice(-quarter)),
    peakBytes: Math.max(...settled.map(({ bytes }) => bytes)),
    bytesPerHour: slopeOf(settled) * MS_PER_HOUR,
  };
}

function medianOf(samples: readonly MemorySample[]): number {
  const sorted = samples.map(({ bytes }) => bytes).sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Bytes a millisecond, by least squares. */
function slopeOf(samples: readonly MemorySample[]): number {
  const meanAt = samples.reduce((sum, { atMs }) => sum + atMs, 0) / samples.length;
  const meanBytes = samples.reduce((sum, { bytes }) => sum + bytes, 0) / samples.length;
  const spread = samples.reduce((sum, { atMs }) => sum + (atMs - meanAt) ** 2, 0);
  const together = samples.reduce((sum, { atMs, bytes }) => sum + (atMs - meanAt) * (bytes - meanBytes), 0);
  return spread === 0 ? 0 : together / spread;
}
