import assert from "node:assert/strict";
import { test } from "node:test";
import { end, outside, seriesOf, span } from "../../../tests/support/traffic-fixture.ts";
import { edgeRows, edgeTable } from "./edges.ts";

const ask = (series: Parameters<typeof edgeRows>[0]["series"], namespace?: string) =>
  edgeRows({ series, span, namespace });

test("edgeRows() joins what both ends say, and counts each request once", () => {
  const [row, ...more] = ask([seriesOf(60), seriesOf(59, { reporter: "destination" })]);
  assert.deepEqual(more, []);
  assert.deepEqual([row?.toldBy, row?.requests], ["both", 60]);
  assert.deepEqual(row?.caller, {
    workload: "web",
    namespace: "shop",
    identities: ["spiffe://cluster.local/ns/shop/sa/web"],
  });
});

test("edgeRows() says who alone tells of an edge: one end may lie", () => {
  const forged = seriesOf(7, {
    reporter: "destination",
    source: end("admin", "bank"),
    destination: end("rogue"),
  });
  assert.deepEqual(
    ask([forged]).map(({ toldBy }) => toldBy),
    ["called"],
  );
});

test("edgeRows() of a namespace begin or end there", () => {
  const far = seriesOf(1, { source: end("a", "one"), destination: end("b", "two") });
  assert.equal(ask([far, seriesOf(1)], "two").length, 1);
  assert.equal(ask([far, seriesOf(1)], "shop").length, 1);
  assert.equal(ask([far, seriesOf(1)]).length, 2);
});

test("edgeTable() shows what secures an edge, and where a call that reached nobody was to go", () => {
  const nobody = {
    destination: outside,
    security: "unknown",
    service: "nobody.shop.svc.cluster.local",
  } as const;
  const rows = ask([
    seriesOf(3),
    seriesOf(1, { security: "none", destination: { ...end("reviews"), principal: "" } }),
    seriesOf(2, { ...nobody, failures: 2 }),
    seriesOf(2, { reporter: "destination", source: outside, security: "none" }),
  ]);
  const lines = edgeTable(rows).trimEnd().split("\n");
  const ends = lines
    .map((line) => line.split(/ {3,}/))
    .map((cells) => [cells[0], cells[1], ...cells.slice(-2)]);
  assert.deepEqual(ends, [
    ["CALLER", "CALLED", "SECURED BY", "TOLD BY"],
    ["unknown", "shop/reviews", "nothing", "called"],
    ["shop/web", "nobody.shop.svc.cluster.local", "-", "caller"],
    ["shop/web", "shop/reviews", "shop/web -> shop/reviews (75.00%)", "caller"],
  ]);
});
