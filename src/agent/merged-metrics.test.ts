import assert from "node:assert/strict";
import { test } from "node:test";
import { mergeMetrics, parseAppScrape, restoreIstioNames, wholeLines } from "./merged-metrics.ts";

async function* chunksOf(...chunks: readonly string[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

async function textOf(chunks: AsyncIterable<Buffer>): Promise<string> {
  const read: Buffer[] = [];
  for await (const chunk of chunks) read.push(chunk);
  return Buffer.concat(read).toString();
}

test("restoreIstioNames() takes Envoy's prefix from Istio's metrics alone, however the page is cut", async () => {
  const text = [
    "# TYPE envoy_istio_requests_total counter",
    'envoy_istio_requests_total{reporter="source",destination="envoy_istio_x"} 1',
    "envoy_cluster_upstream_rq 2",
    "# HELP envoy_istio_build known",
    "",
  ].join("\n");
  const expected = [
    "# TYPE istio_requests_total counter",
    'istio_requests_total{reporter="source",destination="envoy_istio_x"} 1',
    "envoy_cluster_upstream_rq 2",
    "# HELP istio_build known",
    "",
  ].join("\n");
  for (let at = 0; at <= text.length; at++) {
    const cut = chunksOf(text.slice(0, at), text.slice(at));
    assert.equal(await textOf(restoreIstioNames(wholeLines(cut))), expected, `cut at ${at}`);
  }
});

test("mergeMetrics() leaves out what can't be read, and says so", async () => {
  const failures: string[] = [];
  const text = await textOf(
    mergeMetrics({
      async *readEnvoyMetrics() {
        yield Buffer.from("whole 1\nbrok");
        throw new Error("gone");
      },
      requestMetrics: () => [],
      agentMetrics: () => "own 1\n",
      onFailure: (source, reason) => void failures.push(`${source}: ${reason}`),
    }),
  );
  assert.equal(text, "whole 1\nown 1\n");
  assert.deepEqual(failures, ["envoy: gone"]);
});

test("wholeLines() ends the last line", async () => {
  assert.equal(await textOf(wholeLines(chunksOf("a 1\nb", " 2"))), "a 1\nb 2\n");
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
