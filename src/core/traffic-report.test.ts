import assert from "node:assert/strict";
import { test } from "node:test";
import {
  addCounts,
  decodeTrafficReport,
  emptyCounts,
  encodeTrafficReport,
  MAX_REPORT_BYTES,
  MAX_SERIES_OF_REPORT,
  requestCount,
  type TrafficKey,
  type TrafficReport,
} from "./traffic-report.ts";

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

function report(): TrafficReport {
  const counts = emptyCounts();
  Object.assign(counts, { failures: 2, receivedBytes: 900, sentBytes: 2 ** 40 });
  counts.latency[3] = 7;
  counts.latency[23] = 1;
  return { run: "a1", sequence: 4, series: [[key, counts]] };
}

test("a report is read as it was written", () => {
  assert.deepEqual(decodeTrafficReport(encodeTrafficReport(report())), report());
});

test("addCounts() adds everything, bucket by bucket", () => {
  const [first] = report().series;
  const sum = emptyCounts();
  for (let time = 0; time < 3; time += 1) addCounts(sum, first?.[1] ?? emptyCounts());
  assert.equal(requestCount(sum), 24);
  assert.deepEqual([sum.failures, sum.receivedBytes, sum.latency[23]], [6, 2_700, 3]);
});

const row = (changes: Readonly<Record<number, unknown>> = {}) => {
  const good: unknown[] = ["source", "w", "n", "p", "s", "r", "http", "none", 0, 0, 0, 0, 0, [0, 1]];
  for (const [at, value] of Object.entries(changes)) good[Number(at)] = value;
  return good;
};
const encoded = (value: unknown) => Buffer.from(JSON.stringify(value));

test("decodeTrafficReport() takes the row that the next test spoils", () => {
  assert.equal(decodeTrafficReport(encoded(["a", 0, [row()]])).series.length, 1);
});

for (const [what, bytes] of Object.entries({
  "no JSON": Buffer.from("{"),
  "no list": encoded({}),
  "a negative count": encoded(["a", 0, [row({ 8: -1 })]]),
  "a fraction": encoded(["a", 0, [row({ 9: 0.5 })]]),
  "a count that would spoil sums": encoded(["a", 0, [row({ 13: [0, 2 ** 40] })]]),
  "a bucket that isn't there": encoded(["a", 0, [row({ 13: [24, 1] })]]),
  "a bucket without a count": encoded(["a", 0, [row({ 13: [1] })]]),
  "more failures than requests": encoded(["a", 0, [row({ 8: 2 })]]),
  "a reporter of no kind": encoded(["a", 0, [row({ 0: "both" })]]),
  "what moves a terminal's cursor": encoded(["a", 0, [row({ 1: "a\u001b[2J" })]]),
  "what turns text around": encoded(["a", 0, [row({ 1: "a\u202eb" })]]),
  "a name of a kilobyte": encoded(["a", 0, [row({ 4: "x".repeat(1_024) })]]),
  "too many series": encoded(["a", 0, new Array(MAX_SERIES_OF_REPORT + 1).fill(row())]),
  "too many bytes": Buffer.alloc(MAX_REPORT_BYTES + 1, "["),
})) {
  test(`decodeTrafficReport() refuses ${what}`, () => {
    assert.throws(() => decodeTrafficReport(bytes));
  });
}
