import assert from "node:assert/strict";
import { test } from "node:test";
import { seriesOf, span } from "../../../tests/support/traffic-fixture.ts";
import { percent } from "./sum-cells.ts";
import { parseWindow } from "./traffic-query.ts";
import { spanOf, sumTraffic } from "./traffic-sums.ts";

test("sumTraffic() adds up series of several replicas as rates and quantiles", () => {
  const sum = sumTraffic([seriesOf(50), seriesOf(40, { failures: 9 }), seriesOf(10, {}, 900)], span);
  assert.deepEqual([sum.requests, sum.failures, sum.successRate], [100, 9, 0.91]);
  assert.deepEqual([sum.requestsPerSecond, sum.receivedBytes], [1.667, 10_000]);
  assert.ok(Number(sum.p50Ms) > 6 && Number(sum.p50Ms) <= 8, `${sum.p50Ms}`);
  assert.ok(Number(sum.p99Ms) > 600 && Number(sum.p99Ms) <= 1_000, `${sum.p99Ms}`);
  assert.equal(sum.mutualTlsShare, 1);
});

test("sumTraffic() of connections alone has no success rate, and says what share is under mutual TLS", () => {
  const tcp = { protocol: "tcp", connectionsOpened: 3, connectionsClosed: 1 } as const;
  const sum = sumTraffic(
    [seriesOf(0, tcp), seriesOf(0, { ...tcp, connectionsOpened: 1, security: "none" })],
    span,
  );
  assert.deepEqual([sum.successRate, sum.p50Ms, sum.connectionsOpened], [undefined, undefined, 4]);
  assert.equal(sum.mutualTlsShare, 0.75);
});

test("spanOf() is the longest that a replica has", () => {
  const later = { since: "2026-11-30T12:00:50.000Z", until: "2026-11-30T12:01:00.500Z", series: [] };
  assert.deepEqual(spanOf([later, { ...span, series: [] }]), { ...span, until: later.until, seconds: 60.5 });
});

test("percent() never says that all went well where something failed", () => {
  assert.equal(percent(1), "100.00%");
  assert.equal(percent(0.999_999), "99.99%");
  assert.equal(percent(undefined), undefined);
});

test("parseWindow() takes ten seconds to an hour", () => {
  assert.equal(parseWindow("90s"), 90_000);
  assert.equal(parseWindow("1h"), 3_600_000);
  for (const text of ["9s", "61m", "1", "minute", "-1m"])
    assert.throws(() => parseWindow(text), /--window takes 10s to 1h/, text);
});
