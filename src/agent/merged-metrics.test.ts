import assert from "node:assert/strict";
import { test } from "node:test";
import { mergeMetrics, parseAppScrape, restoreIstioNames } from "./merged-metrics.ts";

test("restoreIstioNames() takes Envoy's prefix from Istio's metrics alone", () => {
  const text = [
    "# TYPE envoy_istio_requests_total counter",
    'envoy_istio_requests_total{reporter="source",destination="envoy_istio_x"} 1',
    "envoy_cluster_upstream_rq 2",
  ].join("\n");
  const expected = [
    "# TYPE istio_requests_total counter",
    'istio_requests_total{reporter="source",destination="envoy_istio_x"} 1',
    "envoy_cluster_upstream_rq 2",
  ].join("\n");
  assert.equal(restoreIstioNames(text), expected);
});

test("mergeMetrics() leaves out what can't be read, and says so", async () => {
  const failures: string[] = [];
  const text = await mergeMetrics({
    readEnvoyMetrics: () => Promise.reject(new Error("gone")),
    agentMetrics: () => "own 1",
    onFailure: (source, reason) => void failures.push(`${source}: ${reason}`),
  });
  assert.equal(text, "own 1\n");
  assert.deepEqual(failures, ["envoy: gone"]);
});

test("parseAppScrape() reads the annotations as Prometheus does", () => {
  const cases: readonly (readonly [string, unknown])[] = [
    ['{"scrape":"true","path":"/m","port":"9102"}', { port: 9102, path: "/m" }],
    ['{"scrape":"true","path":"","port":""}', { port: 80 }],
    ['{"scrape":"","path":"","port":"9102"}', { port: 9102 }],
    ['{"scrape":"false","path":"","port":"9102"}', undefined],
    ['{"scrape":"","path":"/m","port":""}', undefined],
    ["", undefined],
  ];
  for (const [text, expected] of cases) assert.deepEqual(parseAppScrape(text), expected, text);
});
