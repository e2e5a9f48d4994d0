import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { RequestMetrics } from "../agent/metrics/request-metrics.ts";
import { ScrapeFailures } from "../agent/scrape/scrape-failures.ts";
import {
  FIELD_SEPARATOR,
  httpRecordFields,
  RECORD_MARK,
  tcpRecordFields,
  VALUE_SEPARATOR,
} from "../core/telemetry-record.ts";
import { describeWorkload } from "../core/workload-description.ts";
import { metricCatalogue } from "./catalogue.ts";
import { metricsReference } from "./metrics-reference.ts";

const own = describeWorkload({ workloadName: "web", namespace: "shop", labels: {} });

/** An agent's page after a request, a call of gRPC and a connection. */
function agentPage(): string {
  const metrics = new RequestMetrics({ own });
  const record = (kind: string, fields: readonly string[], values: readonly string[]) =>
    `${RECORD_MARK}${kind}${fields.map(() => "").join(FIELD_SEPARATOR)}${values.map((value) => `${VALUE_SEPARATOR}${value}`).join("")}`;
  assert.ok(metrics.take(record("H", httpRecordFields, ["1", "2", "3", "1,1"])));
  assert.ok(metrics.take(record("T", tcpRecordFields, ["e", "1", "2", "3"])));
  return [...metrics.text(), new ScrapeFailures(() => undefined).text()].join("");
}

test("metricCatalogue() has each metric that an agent serves, with its type and its labels", () => {
  const catalogue = new Map(metricCatalogue().map((entry) => [entry.name, entry]));
  const page = agentPage();
  const families = [...page.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
  assert.ok(families.length >= 12, page);
  for (const [, name = "", type] of families) {
    assert.equal(catalogue.get(name)?.type, type, name);
    const [, labels = ""] = new RegExp(`^${name}(?:_count)?\\{(.*)\\} `, "m").exec(page) ?? [];
    const names = [...labels.matchAll(/(\w+)="/g)].map(([, label]) => label);
    assert.deepEqual(new Set(names), new Set(catalogue.get(name)?.labels), name);
  }
});

test("metricCatalogue() says of each metric once what it is", () => {
  const entries = metricCatalogue();
  assert.equal(new Set(entries.map(({ name }) => name)).size, entries.length);
  for (const { name, help, type } of entries) {
    assert.match(help, /\w/, name);
    assert.match(type, /^(?:counter|gauge|histogram|summary)$/, name);
  }
  assert.deepEqual(entries.find(({ name }) => name === "pilot_xds_pushes")?.labels, ["type"]);
});

test("docs/reference/metrics.md is what metricsReference() makes of the catalogue", () => {
  const file = new URL("../../docs/reference/metrics.md", import.meta.url);
  const wanted = metricsReference();
  if (process.env.MELTEMI_WRITE === "1") writeFileSync(file, wanted);
  assert.equal(readFileSync(file, "utf8"), wanted, "stale: run this test with MELTEMI_WRITE=1");
});
