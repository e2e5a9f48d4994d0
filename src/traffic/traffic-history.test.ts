import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ManualClock } from "../core/clock.ts";
import { emptyCounts, requestCount, type TrafficKey, type TrafficReport } from "../core/traffic-report.ts";
import { CELL_BYTES } from "./count-cells.ts";
import {
  OVERFLOW,
  type ReportingWorkload,
  TrafficHistory,
  type TrafficHistoryOptions,
  type TrafficWindow,
} from "./traffic-history.ts";

const START_MS = 1_800_000_000_000;
const MINUTE_MS = 60_000;

const reviews: ReportingWorkload = {
  workload: "reviews-v1",
  namespace: "shop",
  principal: "spiffe://cluster.local/ns/shop/sa/reviews",
  id: "0f0f",
};
const key: TrafficKey = {
  reporter: "destination",
  peerWorkload: "web-v1",
  peerNamespace: "shop",
  peerPrincipal: "spiffe://cluster.local/ns/shop/sa/web",
  service: "reviews.shop.svc.cluster.local",
  route: "default",
  protocol: "http",
  security: "mutual_tls",
};

function historyOf(limits: Partial<TrafficHistoryOptions> = {}) {
  const clock = new ManualClock(START_MS);
  const history = new TrafficHistory({ clock, ...limits });
  let sequence = 0;
  const tell = (count: number, changes: Partial<TrafficKey> = {}, reporter = reviews) =>
    history.add(reporter, { ...reportOf(count, changes), sequence: sequence++ });
  return { clock, history, tell };
}

function reportOf(count: number, changes: Partial<TrafficKey> = {}): TrafficReport {
  const counts = emptyCounts();
  counts.latency[4] = count;
  counts.receivedBytes = count * 100;
  return { run: "a", sequence: 0, series: [[{ ...key, ...changes }, counts]] };
}

function requestsIn({ series }: TrafficWindow): number {
  return series.reduce((sum, [, counts]) => sum + requestCount(counts), 0);
}

test("TrafficHistory names the reporter as its certificate does, whatever the report says", () => {
  const { history, tell } = historyOf();
  const forged = { ...key, workload: "web-v1", namespace: "admin", principal: "spiffe://x/ns/admin/sa/root" };
  tell(3, forged);
  const [[series] = assert.fail()] = history.read(MINUTE_MS).series;
  assert.deepEqual(series, {
    ...key,
    workload: "reviews-v1",
    namespace: "shop",
    principal: "spiffe://cluster.local/ns/shop/sa/reviews",
  });
});

test("TrafficHistory adds up pods of a workload, and keeps series apart", () => {
  const { history, tell } = historyOf();
  tell(3);
  tell(4, {}, { ...reviews, id: "1e1e" });
  tell(5, { route: "slow" });
  const byRoute = history.read(MINUTE_MS).series.map(([{ route }, counts]) => [route, requestCount(counts)]);
  assert.deepEqual(byRoute, [
    ["default", 7],
    ["slow", 5],
  ]);
});

test("TrafficHistory counts a report that comes twice once, and an agent that begins again anew", () => {
  const { history } = historyOf();
  assert.equal(history.add(reviews, reportOf(3)), true);
  assert.equal(history.add(reviews, reportOf(3)), false);
  assert.equal(history.add(reviews, { ...reportOf(4), sequence: 1 }), true);
  assert.equal(history.add(reviews, { ...reportOf(5), run: "b" }), true);
  assert.equal(requestsIn(history.read(MINUTE_MS)), 12);
});

describe("TrafficHistory.read()", () => {
  test("has what came in the window, and says since when that is", () => {
    const { clock, history, tell } = historyOf();
    for (let step = 0; step < 12; step += 1) {
      tell(1);
      clock.advance(10_000);
    }
    const { sinceMs, untilMs } = history.read(MINUTE_MS);
    assert.deepEqual([sinceMs, untilMs], [START_MS + MINUTE_MS, START_MS + 2 * MINUTE_MS]);
    assert.equal(requestsIn(history.read(MINUTE_MS)), 6);
    assert.equal(requestsIn(history.read(5 * MINUTE_MS)), 12);
  });

  test("of a young history begins where it began", () => {
    const { clock, history, tell } = historyOf();
    clock.advance(15_000);
    tell(1);
    assert.equal(history.read(MINUTE_MS).sinceMs, START_MS);
  });

  test("of an hour has all of it, in minutes, and forgets it after an hour", () => {
    const { clock, history, tell } = historyOf();
    for (let minute = 0; minute < 90; minute += 1) {
      tell(1);
      clock.advance(MINUTE_MS);
    }
    assert.equal(requestsIn(history.read(60 * MINUTE_MS)), 60);
    assert.equal(requestsIn(history.read(10 * MINUTE_MS)), 10);
    clock.advance(62 * MINUTE_MS);
    assert.equal(history.read(60 * MINUTE_MS).series.length, 0);
    assert.equal(history.seriesCount, 0);
  });

  test("goes on where the clock was set back", () => {
    const { clock, history, tell } = historyOf();
    tell(1);
    clock.advance(-30_000);
    tell(1);
    clock.advance(30_000);
    assert.equal(requestsIn(history.read(MINUTE_MS)), 2);
  });
});

describe("TrafficHistory is bounded", () => {
  test("in counts: an hour of more than fits is the newest part of it, and the answer says since when", () => {
    const maxCells = 4_096;
    const { clock, history, tell } = historyOf({ maxCells });
    for (let minute = 0; minute < 60; minute += 1) {
      for (let service = 0; service < 200; service += 1) tell(1, { service: `${service}.example` });
      clock.advance(MINUTE_MS);
    }
    assert.equal(history.byteCount, maxCells * CELL_BYTES);
    const hour = history.read(60 * MINUTE_MS);
    const keptMinutes = (hour.untilMs - hour.sinceMs) / MINUTE_MS;
    assert.ok(keptMinutes >= 10 && keptMinutes < 60, `${keptMinutes} minutes`);
    assert.equal(requestsIn(hour), 200 * keptMinutes);
    // What is of now is whole.
    assert.equal(requestsIn(history.read(5 * MINUTE_MS)), 1_000);
  });

  test("in series of a workload: what it invents counts as its own, and hurts nobody else", () => {
    const { history, tell } = historyOf({ maxSeriesOfWorkload: 10 });
    // Named as what is beyond is, so that nobody gets around the limit by it.
    for (let at = 0; at < 100; at += 1) tell(1, { service: OVERFLOW, peerWorkload: `invented-${at}` });
    tell(1, {}, { ...reviews, workload: "ratings-v1", id: "2d2d" });
    const { series } = history.read(MINUTE_MS);
    assert.equal(history.seriesCount, 12);
    const beyond = series.find(([{ peerWorkload }]) => peerWorkload === OVERFLOW);
    assert.equal(requestCount(beyond?.[1] ?? emptyCounts()), 90);
    assert.deepEqual(series.filter(([{ workload }]) => workload === "ratings-v1").length, 1);
  });

  test("in series of all: a workload's requests are still counted", () => {
    const { history, tell } = historyOf({ maxSeries: 10 });
    for (let at = 0; at < 50; at += 1) tell(1, { service: `${at}.example` });
    const late = { ...reviews, workload: "late", id: "3c3c" };
    for (let at = 0; at < 50; at += 1) tell(1, { service: `${at}.example` }, late);
    const { series } = history.read(MINUTE_MS);
    assert.equal(history.seriesCount, 12);
    const ofLate = series.filter(([{ workload }]) => workload === "late");
    assert.deepEqual(
      ofLate.map(([, counts]) => requestCount(counts)),
      [50],
    );
  });

  test("where not even the present fits: nothing is kept that nobody can find, and it goes on later", () => {
    const { clock, history, tell } = historyOf({ maxCells: 4_096, maxSeriesOfWorkload: 10_000 });
    for (let at = 0; at < 5_000; at += 1) tell(1, { service: `${at}.example` });
    assert.ok(history.seriesCount <= 4_096, `${history.seriesCount} series`);
    clock.advance(62 * MINUTE_MS);
    tell(7);
    assert.deepEqual([history.seriesCount, requestsIn(history.read(MINUTE_MS))], [1, 7]);
  });
});
