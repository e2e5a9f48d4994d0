// The columns that tables of traffic share.

import type { TrafficSum } from "./traffic-sums.ts";

export const sumTitles = ["SUCCESS", "RPS", "P50", "P95", "P99", "IN", "OUT", "CONNECTIONS"] as const;

export function sumCells(sum: TrafficSum): readonly (string | undefined)[] {
  const { successRate, requests, requestsPerSecond, connectionsOpened } = sum;
  return [
    percent(successRate),
    requests === 0 ? undefined : requestsPerSecond.toFixed(requestsPerSecond < 10 ? 2 : 1),
    milliseconds(sum.p50Ms),
    milliseconds(sum.p95Ms),
    milliseconds(sum.p99Ms),
    bytesPerSecond(sum.receivedBytesPerSecond),
    bytesPerSecond(sum.sentBytesPerSecond),
    connectionsOpened === 0 ? undefined : String(connectionsOpened),
  ];
}

/** Never rounded to 100 where anything failed. */
export function percent(share: number | undefined): string | undefined {
  return share === undefined ? undefined : `${(Math.floor(share * 10_000) / 100).toFixed(2)}%`;
}

function milliseconds(value: number | undefined): string | undefined {
  if (value === undefined) return undefined;
  return value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`;
}

function bytesPerSecond(value: number): string | undefined {
  if (value === 0) return undefined;
  if (value < 1_000) return `${Math.ceil(value)} B/s`;
  return value < 1_000_000 ? `${(value / 1_000).toFixed(1)} kB/s` : `${(value / 1_000_000).toFixed(1)} MB/s`;
}
