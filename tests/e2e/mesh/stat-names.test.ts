// What clusters are called in Envoy's statistics where MeshConfig names them: theirs alone change, not Istio's metrics.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { parseSamples, sumOf } from "../../support/scraped-metrics.ts";
import { eventually } from "./eventually.ts";
import { type RunningMesh, skipWithoutMesh as skip, startMesh } from "./running-mesh.ts";

const meshConfig = `
apiVersion: v1
kind: ConfigMap
metadata: { name: istio, namespace: istio-system }
data:
  mesh: |
    outboundClusterStatName: "to_%SERVICE%_%SERVICE_PORT%%SUBSET_NAME%"
    inboundClusterStatName: "of_%SERVICE_NAME%_%TARGET_PORT%"
    defaultConfig: { proxyStatsMatcher: { inclusionPrefixes: [cluster.to_echo, cluster.of_echo] } }
`;

test("statistics of clusters have MeshConfig's names, and Istio's metrics count as ever", {
  skip,
  timeout: 180_000,
}, async () => {
  const mesh = await startMesh({ files: { "mesh-config.yaml": meshConfig } });
  try {
    const client = await mesh.client("client");
    const { byStatus, byVersion } = await client.many(30, { url: "http://echo/", concurrency: 2 });
    assert.deepEqual(byStatus, { 200: 30 });
    await eventually(async () => {
      const atClient = await scrape(mesh, "client");
      assert.equal(sumOf(atClient, REQUESTS, { cluster_name: "to_echo.test_80" }), 30);
      assert.equal(
        sumOf(atClient, "istio_requests_total", { destination_service: "echo.test.svc.cluster.local" }),
        30,
      );
      const atServer = await scrape(mesh, "echo-v1");
      assert.equal(sumOf(atServer, REQUESTS, { cluster_name: "of_echo_8080" }), byVersion.v1);
      assert.equal(sumOf(atServer, "istio_requests_total", { reporter: "destination" }), byVersion.v1);
    });
  } finally {
    await mesh.close();
  }
});

const REQUESTS = "envoy_cluster_upstream_rq_total";

async function scrape(mesh: RunningMesh, workload: string) {
  const fetching = `fetch("http://127.0.0.1:15020/stats/prometheus").then((page) => page.text()).then(console.log)`;
  const [command, ...args] = await mesh.exec(workload, [process.execPath, "-e", fetching], {
    container: "istio-proxy",
  });
  const { stdout } = await promisify(execFile)(command, args, { maxBuffer: 64 * 1024 * 1024 });
  return parseSamples(stdout);
}
