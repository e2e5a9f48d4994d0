// A real Prometheus scrapes a running mesh by the file that `meltemi up` keeps: what PromQL says is what was sent.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { eventually } from "./eventually.ts";
import type { PodClient } from "./pod-client.ts";
import { type RunningMesh, skipWithoutMesh, startMesh } from "./running-mesh.ts";
import { type RunningPrometheus, skipWithoutPrometheus, startPrometheus } from "./running-prometheus.ts";

const skip = skipWithoutMesh || skipWithoutPrometheus;
const SCRAPED = { deadlineMs: 30_000 };

const forbidden = `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: forbidden, namespace: test }
spec:
  selector: { matchLabels: { app: echo } }
  action: DENY
  rules: [{ to: [{ operation: { paths: [/forbidden], ports: ["8080"] } }] }]
`;

const late = `
apiVersion: v1
kind: Pod
metadata: { name: late, namespace: test, labels: { app: late, team: shipping } }
spec:
  terminationGracePeriodSeconds: 1
  containers: [{ name: app, image: none, command: [sleep, infinity] }]
`;

// Three pages, one on loopback alone and one that never ends, and a pod whose pages aren't merged.
const pages = `
const { createServer } = require("node:http");
const serve = (port, type, text, host) => createServer((_, response) => {
  response.writeHead(200, { "content-type": type });
  if (text === undefined) response.write("books_begun 1\\nbo");
  else response.end(text);
}).listen(port, host);
const openMetrics = 'books_sold_total{shelf="a"} 7 # {trace_id="x"} 1\\n# EOF\\n';
serve(9102, "application/openmetrics-text; version=1.0.0; charset=utf-8", "# TYPE books_sold counter\\n" + openMetrics);
serve(9103, "text/plain; version=0.0.4", "# TYPE books_held gauge\\nbooks_held 3\\n<b>\\n", "127.0.0.1");
serve(9104, "text/plain; version=0.0.4");
`;
const app = (name: string, annotations: object) => `
apiVersion: v1
kind: Pod
metadata:
  name: ${name}
  namespace: test
  labels: { app: ${name} }
  annotations: ${JSON.stringify(annotations)}
spec:
  containers: [{ name: app, image: none, command: ${JSON.stringify([process.execPath, "-e", pages])} }]
`;
const scraped = [
  app("several", { "prometheus.istio.io/scrape-targets": "9102, 9103:/metrics, 9104" }),
  app("apart", {
    "prometheus.io/scrape": "true",
    "prometheus.io/port": "9102",
    "prometheus.istio.io/merge-metrics": "false",
  }),
].join("---");

let mesh: RunningMesh;
let client: PodClient;
let prometheus: RunningPrometheus;

before(
  async () => {
    if (skip !== false) return;
    mesh = await startMesh({ files: { "forbidden.yaml": forbidden } });
    client = await mesh.client("client");
    prometheus = await startPrometheus(join(mesh.stateDirectory, "prometheus/targets.json"));
  },
  { timeout: 120_000 },
);
after(async () => {
  await prometheus?.close();
  await mesh?.close();
});

/** The same at the caller's and the called, once it has been scraped. */
async function countedAtBothEnds(selector: string, expected: number): Promise<void> {
  const [, name = "", labels = ""] = /^(\w+)\{(.*)\}$/.exec(selector) ?? [];
  await eventually(async () => {
    const counted = await prometheus.query(
      `sum by (reporter) (${name}{destination_service="echo.test.svc.cluster.local",${labels}})`,
    );
    const byReporter = Object.fromEntries(counted.map(({ metric, value }) => [metric.reporter, value]));
    assert.deepEqual(byReporter, { source: expected, destination: expected }, selector);
  }, SCRAPED);
}

test("every pod and the control plane are scraped, by names that dashboards ask for", { skip }, async () => {
  await eventually(async () => {
    const up = await prometheus.query("up == 1");
    const scraped = up.map(({ metric }) => [metric.namespace, metric.app, metric.version]);
    assert.deepEqual(scraped.toSorted(), [
      ["istio-system", "istiod", undefined],
      ["test", "client", undefined],
      ["test", "echo", "v1"],
      ["test", "echo", "v2"],
    ]);
  }, SCRAPED);
  await eventually(async () => {
    const services = await prometheus.number('pilot_services{app="istiod"}');
    assert.ok(services > 0);
  }, SCRAPED);
});

test("HTTP: requests by status, and their histograms", { skip }, async () => {
  const { byStatus } = await client.many(60, { url: "http://echo/", concurrency: 4 });
  assert.deepEqual(byStatus, { 200: 60 });
  await client.many(7, { url: "http://echo/forbidden" });
  await countedAtBothEnds('istio_requests_total{request_protocol="http",response_code="200"}', 60);
  await countedAtBothEnds('istio_requests_total{request_protocol="http",response_code="403"}', 7);
  for (const histogram of ["request_duration_milliseconds", "request_bytes", "response_bytes"]) {
    await countedAtBothEnds(`istio_${histogram}_count{request_protocol="http"}`, 67);
    await countedAtBothEnds(`istio_${histogram}_bucket{request_protocol="http",le="+Inf"}`, 67);
  }
  const ratio = `sum(rate(istio_requests_total{reporter="source",response_code="200"}[1m])) / sum(rate(istio_requests_total{reporter="source"}[1m]))`;
  await eventually(async () => {
    // Which client's requests a pod's name tells, though pods say nothing of themselves.
    const byPod = await prometheus.query('sum by (pod) (istio_requests_total{reporter="source"})');
    assert.deepEqual(
      byPod.map(({ metric, value }) => [metric.pod, value]),
      [[(await mesh.pods("client"))[0]?.name, 67]],
    );
    assert.ok(!Number.isNaN(await prometheus.number(ratio)));
  }, SCRAPED);
});

test("gRPC: calls, and their messages of both directions", { skip }, async () => {
  await client.say("echo:9090", ["a", "b", "c"]);
  await client.talk("echo:9090", ["a", "b", "c", "d"]);
  await countedAtBothEnds('istio_requests_total{request_protocol="grpc",grpc_response_status="0"}', 4);
  await countedAtBothEnds("istio_request_messages_total{}", 7);
  await countedAtBothEnds("istio_response_messages_total{}", 7);
});

test("TCP: connections and their bytes", { skip }, async () => {
  const sent = "hello\n";
  let receivedBytes = 0;
  for (let round = 0; round < 5; round++) {
    const { received } = await client.tcp({ host: "echo", port: 9000, send: sent, until: "hello\n" });
    receivedBytes += Buffer.byteLength(received);
  }
  await countedAtBothEnds("istio_tcp_connections_opened_total{}", 5);
  await countedAtBothEnds("istio_tcp_connections_closed_total{}", 5);
  await countedAtBothEnds("istio_tcp_received_bytes_total{}", 5 * sent.length);
  await countedAtBothEnds("istio_tcp_sent_bytes_total{}", receivedBytes);
});

test("pages of an application are merged, and cost the proxy's none of its own", { skip }, async () => {
  await mesh.save("scraped.yaml", scraped);
  await eventually(async () => {
    const of = (name: string) => prometheus.number(`${name}{pod="several"}`);
    assert.equal(await of("up"), 1);
    assert.equal(await of("books_sold_total"), 7);
    assert.equal(await of("books_held"), 3);
    assert.equal(await of("books_begun"), 1);
    assert.ok((await of("envoy_server_uptime")) >= 0);
    // The page that never ends, and the line that is none.
    const failures = 'istio_agent_scrape_failures_total{type="application",pod="several"}';
    assert.ok((await prometheus.number(failures)) >= 2);
    const scrapeSeconds = await of("scrape_duration_seconds");
    assert.ok(scrapeSeconds < 1, `${scrapeSeconds} s`);
  }, SCRAPED);
  await eventually(async () => {
    const up = await prometheus.query('up{pod="apart"} == 1');
    const ports = up.map(({ metric }) => metric.instance?.split(":")[1]);
    assert.deepEqual(ports.toSorted(), ["15090", "9102"]);
    assert.equal(await prometheus.number('books_sold_total{pod="apart"}'), 7);
    assert.ok((await prometheus.number('envoy_server_uptime{pod="apart"}')) >= 0);
  }, SCRAPED);
  await mesh.remove("scraped.yaml");
});

test("targets come and go with pods", { skip }, async () => {
  const labelsOfLate = async () =>
    (await prometheus.targets()).map(({ labels }) => labels).filter(({ pod }) => pod === "late");
  await mesh.save("late.yaml", late);
  await eventually(async () => {
    assert.equal(await prometheus.number('up{pod="late",team="shipping"}'), 1);
    assert.ok((await prometheus.number('istio_agent_cert_expiry_timestamp_seconds{pod="late"}')) > 0);
  }, SCRAPED);
  await mesh.remove("late.yaml");
  await eventually(async () => assert.deepEqual(await labelsOfLate(), []), SCRAPED);
});

test("no page of the machine or the mesh but the pods' own is reached by the port for scrapes", {
  skip,
}, async () => {
  const file = await readFile(join(mesh.stateDirectory, "prometheus/targets.json"), "utf8");
  const groups = JSON.parse(file) as readonly {
    targets: readonly string[];
    labels: Record<string, string>;
  }[];
  const pod = groups.find(({ labels }) => labels.app === "client");
  const at = (path: string) => fetch(`http://${pod?.targets[0]}${path}`).then(({ status }) => status);
  const path = pod?.labels.__metrics_path__ ?? "";
  assert.equal(await at(path), 200);
  for (const other of ["/", "/pods/test/nobody", `${path}/quitquitquit`, `${path}/..%2f..`]) {
    assert.equal(await at(other), 404, other);
  }
});
