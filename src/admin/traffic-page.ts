// The traffic of the last minutes in the words of the admin's contract.

import type { TrafficCounts } from "../core/traffic-report.ts";
import type { TrafficSeries, TrafficWindow } from "../traffic/traffic-history.ts";
import type { TrafficSeriesReport, TrafficWindowReport } from "./contract/control-plane.ts";

const DEFAULT_WINDOW_MS = 60_000;

/** `window` as a query has it, in ms: what is longer than is kept is all that is kept; undefined where it is no number. */
export function parseTrafficWindow(text: string | null): number | undefined {
  if (text === null) return DEFAULT_WINDOW_MS;
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;
}

export function trafficReport({ sinceMs, untilMs, series }: TrafficWindow): TrafficWindowReport {
  return {
    since: new Date(sinceMs).toISOString(),
    until: new Date(untilMs).toISOString(),
    series: series.map(([key, counts]) => seriesReport(key, counts)),
  };
}

function seriesReport(key: TrafficSeries, counts: TrafficCounts): TrafficSeriesReport {
  const { workload, namespace, principal, reporter, service, route, protocol, security } = key;
  const own = { workload, namespace, principal };
  const peer = { workload: key.peerWorkload, namespace: key.peerNamespace, principal: key.peerPrincipal };
  const [source, destination] = reporter === "source" ? [own, peer] : [peer, own];
  const { failures, opened, closed, receivedBytes, sentBytes, latency } = counts;
  return {
    ...{ reporter, source, destination, service, route, protocol, security },
    ...{ failures, connectionsOpened: opened, connectionsClosed: closed, receivedBytes, sentBytes, latency },
  };
}
