// Durations as Go spells them, such as "1h2m3s5ms" or "1.5s": Istio's and Kubernetes' YAML carry them as text.

export interface Duration {
  readonly seconds: bigint;
  /** Of the same sign as the seconds, below a billion. */
  readonly nanos: number;
}

const NANOS_PER_SECOND = 1_000_000_000n;
const nanosByUnit: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n, // U+00B5, the micro sign
  μs: 1_000n, // U+03BC, the Greek letter
  ms: 1_000_000n,
  s: NANOS_PER_SECOND,
  m: 60n * NANOS_PER_SECOND,
  h: 3_600n * NANOS_PER_SECOND,
};
const whole =
  /^[-+]?(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h)(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))*$/;
const part = /(\d*)\.?(\d*)(ns|us|µs|μs|ms|s|m|h)/g;
const MAX_LENGTH = 64;

/** Gives undefined for what Go's time.ParseDuration refuses: a number without a unit (except "0"), spaces, days. */
export function parseDuration(text: string): Duration | undefined {
  const nanos = parseNanos(text);
  if (nanos === undefined) return undefined;
  return { seconds: nanos / NANOS_PER_SECOND, nanos: Number(nanos % NANOS_PER_SECOND) };
}

/** Milliseconds, with fractions; undefined where `parseDuration` gives undefined. */
export function parseDurationMs(text: string): number | undefined {
  const duration = parseDuration(text);
  return duration === undefined ? undefined : durationMs(duration);
}

export function durationMs({ seconds, nanos }: Duration): number {
  return Number(seconds) * 1000 + nanos / 1_000_000;
}

function parseNanos(text: string): bigint | undefined {
  if (text === "0" || text === "+0" || text === "-0") return 0n;
  if (text.length > MAX_LENGTH || !whole.test(text)) return undefined;
  let nanos = 0n;
  for (const [, integer = "", fraction = "", unit = ""] of text.matchAll(part)) {
    const unitNanos = nanosByUnit[unit] ?? 0n;
    nanos += BigInt(integer || "0") * unitNanos;
    nanos += (BigInt(fraction || "0") * unitNanos) / 10n ** BigInt(fraction.length);
  }
  return text.startsWith("-") ? -nanos : nanos;
}
