// Logs of real Envoys at a service that takes them: entries of Envoy's own protocol and records of OpenTelemetry, each read by
// its own rules; and what becomes of traffic where the service hangs or is gone.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { type CollectedLogs, logsIn, textsOf } from "./collected-logs.ts";
import { behave, collectorManifest, receivedBy } from "./collector.ts";
import { eventually } from "./eventually.ts";
import { meltemi } from "./meltemi-command.ts";
import type { PodClient } from "./pod-client.ts";
import { type RunningMesh, skipWithoutMesh as skip, startMesh } from "./running-mesh.ts";

const SERVICE = "service: collector.test.svc.cluster.local, port: 9090";
const LABELS = '{ agent: "%REQ(USER-AGENT)%", code: "%RESPONSE_CODE%" }';
const providers = [
  `{ name: http, envoyHttpAls: { ${SERVICE}, logName: own, additionalRequestHeadersToLog: [x-team], additionalResponseHeadersToLog: [content-type] } }`,
  `{ name: tcp, envoyTcpAls: { ${SERVICE} } }`,
  `{ name: otel, envoyOtelAls: { ${SERVICE}, logFormat: { labels: ${LABELS} } } }`,
  `{ name: text, envoyOtelAls: { ${SERVICE}, logFormat: { text: "text %REQ(USER-AGENT)%" } } }`,
  `{ name: bad, envoyOtelAls: { ${SERVICE}, logFormat: { text: "%NO_SUCH_COMMAND%" } } }`,
];

const meshConfig = (settings = "") => `
apiVersion: v1
kind: ConfigMap
metadata: { name: istio, namespace: istio-system }
data:
  mesh: |
    extensionProviders:
${providers.map((provider) => `      - ${provider}`).join("\n")}
${settings}
`;

const telemetry = (entry: string) => `
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: { name: logs, namespace: test }
spec: { accessLogging: [{ ${entry} }] }
`;
const by = (provider: string) => telemetry(`providers: [{ name: ${provider} }]`);

let mesh: RunningMesh;
let client: PodClient;
let collector: PodClient;
let requestCount = 0;

before(
  async () => {
    if (skip !== false) return;
    const files = { "mesh.yaml": meshConfig(), "collector.yaml": collectorManifest, "telemetry.yaml": "" };
    mesh = await startMesh({ files });
    [client, collector] = await Promise.all([mesh.client("client"), mesh.client("collector")]);
  },
  { timeout: 120_000 },
);
after(() => mesh?.close());
beforeEach(() => (skip === false ? behave(collector, "answers") : undefined));

async function put(object: string): Promise<void> {
  await mesh.save("telemetry.yaml", object);
  const { code, text } = await meltemi(mesh, "wait", "telemetry/logs", "-n", "test");
  assert.equal(code, 0, text);
  // Connections that are open go on as they were for one more answer: those of both versions.
  await client.many(10, { url: "http://echo/" });
}

interface RequestLogs extends Omit<CollectedLogs, "tcp"> {
  readonly agent: string;
}

/** What is logged of one request, of the caller's proxy and of the called one's, when there is as much as `count`. */
async function logsOf(path: string, count: number): Promise<RequestLogs> {
  return eventually(async () => {
    requestCount += 1;
    const agent = `request-${requestCount}-end`;
    const headers = { "user-agent": agent, "x-team": "red" };
    await client.request({ url: `http://echo${path}`, headers });
    // A proxy sends what it has once a second.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const { streams, http, records } = logsIn(await receivedBy(collector));
    const found = {
      ...{ streams, agent },
      http: http.filter(({ request }) => request?.userAgent === agent),
      records: records.filter((record) =>
        Object.values(textsOf(record)).some((text) => text.includes(agent)),
      ),
    };
    assert.equal(found.http.length + found.records.length, count, JSON.stringify(received(found)));
    return found;
  });
}

function received({ streams, http, records }: RequestLogs) {
  return { streams, http: http.length, records: records.map(textsOf) };
}

test("entries of HTTP, with the headers that are wanted", { skip }, async () => {
  await put(by("http"));
  const { http, streams } = await logsOf("/some?status=503", 2);
  for (const { request, response, commonProperties } of http) {
    assert.deepEqual([request?.path, response?.responseCode], ["/some?status=503", 503]);
    assert.deepEqual(request?.requestHeaders, { "x-team": "red" });
    assert.match(response?.responseHeaders["content-type"] ?? "", /json/);
    assert.match(commonProperties?.upstreamCluster ?? "", /^(outbound\|80\|\||inbound\|8080\|\|)/);
  }
  const named = streams.map((stream) => /^own of .*(client|echo)-/.exec(stream)?.[1]);
  assert.deepEqual([...new Set(named)].sort(), ["client", "echo"]);
});

test("entries of TCP, of connections and of requests", { skip }, async () => {
  await put(by("tcp"));
  const { received: answer } = await client.tcp({
    host: "echo",
    port: 9000,
    send: "hello\n",
    until: "hello\n",
  });
  assert.match(answer, /^v[12]:hello\n$/);
  await eventually(async () => {
    const { tcp, streams } = logsIn(await receivedBy(collector));
    const clusters = tcp.map(({ commonProperties }) => commonProperties?.upstreamCluster ?? "");
    const outbound = clusters.filter((name) => name === "outbound|9000||echo.test.svc.cluster.local");
    const inbound = clusters.filter((name) => name === "inbound|9000||");
    assert.deepEqual([outbound.length, inbound.length], [1, 1], clusters.join());
    const [connection] = tcp.filter(
      ({ commonProperties }) => commonProperties?.upstreamCluster === outbound[0],
    );
    assert.deepEqual(
      [connection?.connectionProperties?.receivedBytes, connection?.connectionProperties?.sentBytes],
      [6n, 9n],
    );
    assert.ok(
      streams.some((stream) => stream.startsWith("tcp_envoy_accesslog of ")),
      streams.join(),
    );
  });
});

test("records of OpenTelemetry: Istio's default line with labels, and a text", { skip }, async () => {
  await put(by("otel"));
  const { records, agent } = await logsOf("/?status=418", 2);
  for (const record of records) {
    const { body = "", ...labels } = textsOf(record);
    assert.deepEqual(labels, { agent, code: "418" });
    assert.match(body, /^\[.*Z\] "GET \/\?status=418 HTTP\/1\.1" 418 - via_upstream /);
  }
  await put(by("text"));
  const texts = await logsOf("/", 2);
  for (const record of texts.records) assert.deepEqual(textsOf(record), { body: `text ${texts.agent}` });
});

test("what a filter lets through", { skip }, async () => {
  await put(telemetry("providers: [{ name: otel }], filter: { expression: response.code >= 500 }"));
  await logsOf("/?status=503", 2);
  await logsOf("/", 0);
});

test("the service of MeshConfig: HTTP as HTTP, and TCP as TCP", { skip }, async () => {
  await mesh.save("telemetry.yaml", "");
  const own = `    enableEnvoyAccessLogService: true
    defaultConfig: { envoyAccessLogService: { address: "collector.test:9090" } }`;
  await mesh.save("mesh.yaml", meshConfig(own));
  await eventually(async () => {
    const { streams } = await logsOf("/", 2);
    assert.ok(
      streams.some((stream) => stream.startsWith("http_envoy_accesslog of ")),
      streams.join(),
    );
  });
  await mesh.save("mesh.yaml", meshConfig());
  await mesh.waitUntilInStep();
  await logsOf("/", 0);
});

for (const provider of ["http", "otel"])
  test(`a service that hangs or is gone costs no request, logs by ${provider}`, { skip }, async () => {
    await put(by(provider));
    await logsOf("/", 2);
    const load = await client.load({ url: "http://echo/", connections: 5, pauseMs: 2 });
    for (const behaviour of ["hangs", "is gone", "answers"] as const) {
      await behave(collector, behaviour);
      await new Promise((resolve) => setTimeout(resolve, 3_000));
    }
    const { byStatus, total, failures } = await load.stop();
    assert.deepEqual(byStatus, { 200: total }, JSON.stringify(failures));
    assert.ok(total > 500, String(total));
    await logsOf("/", 2);
  });

test("a record that Envoys refuse costs this log alone", { skip }, async () => {
  await put(by("text"));
  await mesh.save("telemetry.yaml", by("bad"));
  const { code, text } = await meltemi(mesh, "wait", "telemetry/logs", "-n", "test", "--timeout", "20s");
  assert.equal(code, 1, text);
  assert.match(text, /NO_SUCH_COMMAND/);
  await logsOf("/", 2);
});
