// The `grpc-timeout` header: at most eight digits and a unit ("Timeout" in gRPC over HTTP/2).

const unitMs: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 0.001,
  n: 0.000_001,
};

/** Milliseconds, rounded up; `invalid` for anything that gRPC doesn't allow. */
export function parseTimeout(header: string): number | "invalid" {
  const match = /^(\d{1,8})([HMSmun])$/.exec(header);
  const unit = unitMs[match?.[2] ?? ""];
  return match === null || unit === undefined ? "invalid" : Math.ceil(Number(match[1]) * unit);
}

/** The header for a timeout, in the finest unit that eight digits can hold; never longer than asked. */
export function formatTimeout(timeoutMs: number): string {
  const wholeMs = Math.max(0, Math.floor(timeoutMs));
  if (wholeMs < 100_000_000) return `${wholeMs}m`;
  return `${Math.min(Math.floor(wholeMs / 1000), 99_999_999)}S`;
}
