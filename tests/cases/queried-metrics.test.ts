// What Istio's dashboards and Kiali ask for is served, by their names and labels; what isn't is listed with the reason.

import assert from "node:assert/strict";
import { test } from "node:test";
import { metricCatalogue } from "../../src/telemetry/catalogue.ts";
import type { CatalogueEntry } from "../../src/telemetry/catalogue-entry.ts";
import { askers, notServed } from "./queried-metrics.ts";

const catalogue = new Map(metricCatalogue().map((entry) => [entry.name, entry]));

/** A histogram is asked for by its parts. */
function entryOf(metric: string): CatalogueEntry | undefined {
  const whole = catalogue.get(metric.replace(/_(?:bucket|sum|count)$/, ""));
  return whole?.type === "histogram" && whole.name !== metric ? whole : catalogue.get(metric);
}

for (const { name, source, metrics } of askers) {
  test(`${name} (${source})`, () => {
    for (const [metric, labels] of Object.entries(metrics)) {
      // Envoy's are for the end-to-end test to find.
      if (metric.startsWith("envoy_") || notServed[metric] !== undefined) continue;
      const entry = entryOf(metric);
      assert.ok(entry !== undefined, `${metric} isn't served: serve it, or say why not`);
      assert.deepEqual(
        labels.filter((label) => !entry.labels.includes(label)),
        [],
        metric,
      );
    }
  });
}

test("what isn't served is asked for, and isn't served", () => {
  const asked = new Set(askers.flatMap(({ metrics }) => Object.keys(metrics)));
  for (const [metric, reason] of Object.entries(notServed)) {
    assert.ok(asked.has(metric), `nobody asks for ${metric}`);
    assert.equal(entryOf(metric), undefined, `${metric} is served`);
    assert.match(reason, /\w/);
  }
});
