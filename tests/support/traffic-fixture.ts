// Series as tests of commands about traffic have them.

import type { TrafficSeriesReport } from "../../src/admin/contract/control-plane.ts";
import { latencyBucketOf } from "../../src/core/latency-buckets.ts";
import { emptyCounts } from "../../src/core/traffic-report.ts";

export const span = { since: "2026-11-30T12:00:00.000Z", until: "2026-11-30T12:01:00.000Z", seconds: 60 };

export const end = (workload: string, namespace = "shop", account = workload) => ({
  workload,
  namespace,
  principal: workload === "" ? "" : `spiffe://cluster.local/ns/${namespace}/sa/${account}`,
});

export const outside = { workload: "", namespace: "", principal: "" };

/** web calls reviews, told by web, unless said otherwise. */
export function seriesOf(
  requests: number,
  changes: Partial<TrafficSeriesReport> = {},
  durationMs = 7,
): TrafficSeriesReport {
  const { latency } = emptyCounts();
  latency[latencyBucketOf(durationMs)] = requests;
  return {
    reporter: "source",
    source: end("web"),
    destination: end("reviews"),
    service: "reviews.shop.svc.cluster.local",
    route: "default",
    protocol: "http",
    security: "mutual_tls",
    failures: 0,
    connectionsOpened: 0,
    connectionsClosed: 0,
    receivedBytes: requests * 100,
    sentBytes: requests * 1_000,
    latency,
    ...changes,
  };
}
