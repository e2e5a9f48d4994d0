import assert from "node:assert/strict";
import { test } from "node:test";
import { end, outside, seriesOf, span } from "../../../tests/support/traffic-fixture.ts";
import { parseSubject, statRows, statTable } from "./stat.ts";

const both = [
  seriesOf(60),
  seriesOf(60, { reporter: "destination" }),
  seriesOf(30, { reporter: "destination", source: outside, security: "none", failures: 3 }),
];
const ask = (what: string, namespace?: string, series = both) =>
  statRows({ series, span, namespace }, parseSubject(what));

test("statRows() shows a workload as it sees itself: what it served, and what it called", () => {
  const rows = ask("workloads").map(({ name, direction, requests, failures }) => [
    name,
    direction,
    requests,
    failures,
  ]);
  assert.deepEqual(rows, [
    ["reviews", "in", 90, 3],
    ["web", "out", 60, 0],
  ]);
});

test("statRows() shows a service as its callers see it", () => {
  const unreached = seriesOf(5, { destination: outside, security: "unknown", failures: 5 });
  const [row, ...more] = ask("services", undefined, [...both, unreached]);
  assert.deepEqual(more, []);
  assert.deepEqual([row?.requests, row?.failures], [65, 5]);
  assert.deepEqual(row?.identities, ["spiffe://cluster.local/ns/shop/sa/reviews"]);
});

test("what an agent says of a service that isn't its own counts for no service and no other workload", () => {
  const forged = seriesOf(1_000_000, {
    ...{ reporter: "destination", failures: 1_000_000 },
    ...{ source: end("web"), destination: end("rogue") },
  });
  assert.deepEqual(ask("svc/reviews", undefined, [...both, forged]), ask("svc/reviews"));
  assert.deepEqual(ask("deploy/web", undefined, [...both, forged]), ask("deploy/web"));
  assert.equal(ask("deploy/rogue", undefined, [...both, forged])[0]?.failures, 1_000_000);
});

test("statRows() shows the routes that are used most first", () => {
  const rows = ask("routes", undefined, [seriesOf(1, { route: "slow" }), seriesOf(9)]);
  assert.deepEqual(
    rows.map(({ route }) => route),
    ["default", "slow"],
  );
});

test("statRows() finds one by name, NAME.NAMESPACE, or host, in its namespace", () => {
  for (const what of ["svc/reviews", "svc/reviews.shop", "service/reviews.shop.svc.cluster.local"])
    assert.equal(ask(what).length, 1, what);
  assert.equal(ask("svc/reviews", "shop").length, 1);
  assert.equal(ask("svc/reviews", "other").length, 0);
  assert.equal(ask("deploy/reviews.other").length, 0);
  assert.equal(ask("namespaces").length, 2);
});

test("parseSubject() says what there is", () => {
  for (const what of ["pods", "svc/", "svc/a/b", ""])
    assert.throws(() => parseSubject(what), /Cannot show the traffic of/, what);
});

test("statTable() shows rates, times and identities", () => {
  assert.deepEqual(statTable(ask("workloads"), "workload").trimEnd().split("\n"), [
    "NAMESPACE   WORKLOAD   DIRECTION   SUCCESS   RPS    P50      P95      P99      IN        OUT        CONNECTIONS   MTLS      IDENTITY",
    "shop        reviews    in          96.66%    1.50   7.0 ms   7.9 ms   8.0 ms   150 B/s   1.5 kB/s   -             66.66%    shop/reviews",
    "shop        web        out         100.00%   1.00   7.0 ms   7.9 ms   8.0 ms   100 B/s   1.0 kB/s   -             100.00%   shop/web",
  ]);
});
