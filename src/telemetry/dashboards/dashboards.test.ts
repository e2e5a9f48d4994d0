import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { queriedSeries } from "../../../tests/support/promql.ts";
import { metricCatalogue } from "../catalogue.ts";
import { dashboards } from "./dashboards.ts";
import { grafanaDashboard } from "./grafana-dashboard.ts";

const FOLDER = new URL("../../../examples/dashboards/", import.meta.url);
// Those that a scraper adds.
const SCRAPED_LABELS = ["app", "instance", "le", "namespace", "pod"];

const queries = dashboards.flatMap(({ name, rows, variables }) =>
  [
    ...rows.flatMap(({ panels }) => panels).flatMap((panel) => panel.queries.map(({ promql }) => promql)),
    ...variables.map(({ values }) => values.selector),
  ].map((promql) => ({ name, promql })),
);

test("dashboards ask for metrics of the catalogue, by labels that they have", () => {
  const catalogue = metricCatalogue();
  assert.ok(queries.length > 50);
  for (const { name, promql } of queries) {
    const series = queriedSeries(promql);
    assert.ok(series.length > 0, promql);
    for (const { metric, labels } of series) {
      // Envoy's own; that it is there is for the end-to-end test.
      if (metric.startsWith("envoy_")) continue;
      const entry = catalogue.find((one) => one.name === metric || isPartOf(one, metric));
      assert.ok(entry !== undefined, `${name}: ${metric}`);
      const known = new Set([...entry.labels, ...SCRAPED_LABELS]);
      assert.deepEqual(
        [...labels].filter((label) => !known.has(label)),
        [],
        `${name}: ${promql}`,
      );
    }
  }
});

function isPartOf({ name, type }: { name: string; type: string }, metric: string): boolean {
  return type === "histogram" && ["bucket", "sum", "count"].some((part) => metric === `${name}_${part}`);
}

test("panels say what they show, and tell their series apart", () => {
  for (const { title, rows } of dashboards) {
    for (const panel of rows.flatMap(({ panels }) => panels)) {
      assert.match(panel.description, /\w/, `${title}: ${panel.title}`);
      const legends = panel.queries.map(({ legend }) => legend);
      assert.equal(new Set(legends).size, legends.length, `${title}: ${panel.title}`);
      assert.ok(
        legends.every((legend) => legend !== ""),
        `${title}: ${panel.title}`,
      );
    }
  }
});

test("examples/dashboards is what grafanaDashboard() makes of them", () => {
  for (const dashboard of dashboards) {
    const file = new URL(`${dashboard.name}.json`, FOLDER);
    const wanted = `${JSON.stringify(grafanaDashboard(dashboard), undefined, 2)}\n`;
    if (process.env.MELTEMI_WRITE === "1") writeFileSync(file, wanted);
    assert.equal(readFileSync(file, "utf8"), wanted, "stale: run this test with MELTEMI_WRITE=1");
  }
  const wanted = dashboards.map(({ name }) => `${name}.json`);
  assert.deepEqual(new Set(readdirSync(FOLDER)), new Set(wanted));
});
