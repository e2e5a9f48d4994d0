// Sums of what proxies told of their traffic, as rates and quantiles: what several replicas were told adds up.

import type { TrafficSeriesReport, TrafficWindowReport } from "../../admin/contract/control-plane.ts";
import { latencyQuantileMs } from "../../core/latency-buckets.ts";
import { addCounts, emptyCounts, requestCount, type TrafficCounts } from "../../core/traffic-report.ts";

/** What `-o json` prints of a workload, service, edge or route. */
export interface TrafficSum {
  readonly requests: number;
  readonly failures: number;
  /** Of the requests, 0 to 1; absent where there were none. */
  readonly successRate?: number;
  readonly requestsPerSecond: number;
  readonly p50Ms?: number;
  readonly p95Ms?: number;
  readonly p99Ms?: number;
  /** Of requests and connections, on the wire: from who called, and to it. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly receivedBytesPerSecond: number;
  readonly sentBytesPerSecond: number;
  /** That aren't HTTP. */
  readonly connectionsOpened: number;
  readonly connectionsClosed: number;
  /** Of requests that reached somebody, or of connections that were opened where there are none, 0 to 1. */
  readonly mutualTlsShare?: number;
}

export interface TrafficSpan {
  readonly since: string;
  readonly until: string;
  readonly seconds: number;
}

/** The longest of the replicas': one that started later was told of less, not of other proxies. */
export function spanOf(reports: readonly TrafficWindowReport[]): TrafficSpan {
  const since = reports.map((report) => report.since).sort()[0] ?? new Date(0).toISOString();
  const until =
    reports
      .map((report) => report.until)
      .sort()
      .at(-1) ?? since;
  return { since, until, seconds: Math.max(1, (Date.parse(until) - Date.parse(since)) / 1000) };
}

/** `keyOf` gives undefined for what isn't wanted. */
export function groupSeries(
  series: readonly TrafficSeriesReport[],
  keyOf: (series: TrafficSeriesReport) => string | undefined,
): ReadonlyMap<string, readonly TrafficSeriesReport[]> {
  const groups = new Map<string, TrafficSeriesReport[]>();
  for (const each of series) {
    const key = keyOf(each);
    if (key === undefined) continue;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [each]);
    else group.push(each);
  }
  return groups;
}

export function sumTraffic(series: readonly TrafficSeriesReport[], { seconds }: TrafficSpan): TrafficSum {
  const counts = countsOf(series);
  const requests = requestCount(counts);
  const { failures, opened, closed, receivedBytes, sentBytes, latency } = counts;
  const quantiles = { p50Ms: 0.5, p95Ms: 0.95, p99Ms: 0.99 };
  const found = Object.entries(quantiles).flatMap(([name, share]) => {
    const value = latencyQuantileMs(latency, share);
    return value === undefined ? [] : [[name, rounded(value)] as const];
  });
  const mutualTlsShare = shareOfMutualTls(series);
  return {
    requests,
    failures,
    ...(requests > 0 && { successRate: (requests - failures) / requests }),
    requestsPerSecond: rounded(requests / seconds),
    ...Object.fromEntries(found),
    receivedBytes,
    sentBytes,
    receivedBytesPerSecond: rounded(receivedBytes / seconds),
    sentBytesPerSecond: rounded(sentBytes / seconds),
    connectionsOpened: opened,
    connectionsClosed: closed,
    ...(mutualTlsShare !== undefined && { mutualTlsShare }),
  };
}

/** What reached nobody was neither secured nor open. */
function shareOfMutualTls(series: readonly TrafficSeriesReport[]): number | undefined {
  const connected = countsOf(series.filter(({ security }) => security !== "unknown"));
  const secured = countsOf(series.filter(({ security }) => security === "mutual_tls"));
  const requests = requestCount(connected);
  if (requests > 0) return requestCount(secured) / requests;
  return connected.opened > 0 ? secured.opened / connected.opened : undefined;
}

function countsOf(series: readonly TrafficSeriesReport[]): TrafficCounts {
  const sum = emptyCounts();
  for (const { connectionsOpened: opened, connectionsClosed: closed, ...counts } of series)
    addCounts(sum, { ...counts, opened, closed, latency: [...counts.latency] });
  return sum;
}

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
