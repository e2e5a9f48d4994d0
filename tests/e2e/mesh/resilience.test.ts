// Issue 3, item 3: what the mesh does about servers that fail, hang or are too many asked, and faults on purpose.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { applyRoutes } from "./echo-routes.ts";
import { eventually } from "./eventually.ts";
import type { PodClient } from "./pod-client.ts";
import { addRuledService } from "./ruled-service.ts";
import type { RunningMesh } from "./running-mesh.ts";
import { skipWithoutMesh as skip, startMesh } from "./running-mesh.ts";

const logging = `
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: meltemi-system}
data: {mesh: "accessLogFile: /dev/stdout"}
`;

let mesh: RunningMesh;
let client: PodClient;

before(
  async () => {
    if (skip !== false) return;
    mesh = await startMesh({ files: { "mesh-config.yaml": logging } });
    client = await mesh.client("client");
  },
  { timeout: 120_000 },
);
after(() => mesh?.close());

const route = (routes: string) => applyRoutes(mesh, client, routes);
const newKey = () => `key-${Math.random()}`;
const toV1 = "route: [{destination: {host: echo, subset: v1}}]";

test("retries ask a flaky server again until it answers, and no oftener than they say", {
  skip,
}, async () => {
  await route(`
- match: [{uri: {prefix: /never}}]
  retries: {attempts: 0}
  ${toV1}
- retries: {attempts: 3, retryOn: 5xx, backoff: 1ms}
  ${toV1}
`);
  const healed = await client.echo(`http://echo/?fail=2&key=${newKey()}`);
  assert.equal(healed.attempt, 3);
  const hopeless = newKey();
  assert.equal((await client.request(`http://echo/?fail=9&key=${hopeless}`)).status, 503);
  assert.equal(
    (await client.echo(`http://echo/?count=${hopeless}`)).count,
    4,
    "one request and three retries",
  );
  const once = newKey();
  assert.equal((await client.request(`http://echo/never?fail=1&key=${once}`)).status, 503);
  assert.equal((await client.echo(`http://echo/?count=${once}`)).count, 1);
});

test("perTryTimeout gives up one attempt, and a retry has another", { skip }, async () => {
  await route(`
- retries: {attempts: 2, perTryTimeout: 200ms, retryOn: 5xx, backoff: 1ms}
  ${toV1}
`);
  const key = newKey();
  const { status, ms } = await client.request(`http://echo/?delay=3000&key=${key}`);
  assert.equal(status, 504);
  assert(ms >= 580 && ms < 2_500, `three attempts of 200 ms took ${ms} ms`);
});

test("timeout ends a slow request with 504", { skip }, async () => {
  await route(`
- timeout: 300ms
  ${toV1}
`);
  const { status, body, ms } = await client.request("http://echo/?delay=5000");
  assert.deepEqual([status, body], [504, "upstream request timeout"]);
  assert(ms >= 290 && ms < 2_500, `it took ${ms} ms`);
  assert.equal((await client.request("http://echo/?delay=10")).status, 200);
});

test("fault delays hold back their share of the requests, for as long as they say", { skip }, async () => {
  await route(`
- match: [{headers: {slow: {exact: "all"}}}]
  fault: {delay: {fixedDelay: 400ms, percentage: {value: 100}}}
  ${toV1}
- match: [{headers: {slow: {exact: half}}}]
  fault: {delay: {fixedDelay: 50ms, percentage: {value: 50}}}
  ${toV1}
- ${toV1}
`);
  const delayed = await client.request({ url: "http://echo/", headers: { slow: "all" } });
  assert.equal(delayed.status, 200);
  assert(delayed.ms >= 390, `it took ${delayed.ms} ms`);
  const { byStatus } = await client.many(300, {
    url: "http://echo/half",
    headers: { slow: "half" },
    concurrency: 50,
  });
  assert.deepEqual(byStatus, { 200: 300 });
  await eventually(async () => {
    const answered = (await mesh.logs("client", "istio-proxy")).filter(({ text }) =>
      text.includes('"GET /half '),
    );
    assert.equal(answered.length, 300);
    const delayedCount = answered.filter(({ text }) => text.includes('" 200 DI ')).length;
    assert(Math.abs(delayedCount - 150) < 45, `${delayedCount} of 300 were held back`);
  });
});

test("fault aborts fail their share of the requests before any server sees them", { skip }, async () => {
  const key = newKey();
  await route(`
- match: [{uri: {prefix: /count}}]
  ${toV1}
- fault: {abort: {httpStatus: 418, percentage: {value: 30}}}
  ${toV1}
`);
  const { byStatus } = await client.many(1_000, { url: `http://echo/?key=${key}` });
  const abortedCount = byStatus[418] ?? 0;
  assert(Math.abs(abortedCount - 300) < 80, `${abortedCount} of 1,000 were aborted`);
  assert.equal(byStatus[200], 1_000 - abortedCount);
  const { count } = await client.echo(`http://echo/count?count=${key}`);
  assert.equal(count, 1_000 - abortedCount);
});

test("circuit breaking refuses what is over the limits at once: 503, x-envoy-overloaded, UO in the log", {
  skip,
}, async () => {
  await addRuledService(mesh, client, {
    name: "narrow",
    selector: "app: echo, version: v1",
    trafficPolicy: "{connectionPool: {tcp: {maxConnections: 1}, http: {http1MaxPendingRequests: 1}}}",
  });
  const requests = Array.from({ length: 10 }, () => client.request("http://narrow/narrow?delay=500"));
  const responses = await Promise.all(requests);
  const served = responses.filter(({ status }) => status === 200);
  const refused = responses.filter(({ status }) => status === 503);
  assert(served.length >= 1 && refused.length >= 7, responses.map(({ status }) => status).join(" "));
  assert.equal(served.length + refused.length, 10);
  for (const { headers, ms } of refused) {
    assert.equal(headers["x-envoy-overloaded"], "true");
    assert(ms < 450, `a refusal took ${ms} ms`);
  }
  await eventually(async () => {
    const lines = await mesh.logs("client", "istio-proxy");
    const overflows = lines.filter(({ text }) => /"GET \/narrow\?delay=500 [^"]*" 503 UO /.test(text));
    assert.equal(overflows.length, refused.length);
  });
});

test("outlier detection ejects the pod that fails, and lets it back in", { skip }, async () => {
  const ejection = "consecutive5xxErrors: 3, interval: 500ms, baseEjectionTime: 3s, maxEjectionPercent: 100";
  await addRuledService(mesh, client, {
    name: "shaky",
    selector: "app: echo",
    trafficPolicy: `{outlierDetection: {${ejection}}}`,
  });
  await eventually(async () => {
    const { byVersion } = await client.many(10, { url: "http://shaky/" });
    assert.deepEqual(Object.keys(byVersion).sort(), ["v1", "v2"]);
  });
  const failing = { url: "http://shaky/?failing=v2" };
  const first = await client.many(30, failing);
  const ejectedAtMs = Date.now();
  assert((first.byStatus[503] ?? 0) >= 3, "v2 failed some");
  assert((first.byStatus[503] ?? 0) <= 12, `and was ejected for it: ${JSON.stringify(first.byStatus)}`);
  const ejected = await client.many(30, failing);
  assert.deepEqual(ejected.byVersion, { v1: 30 });
  await eventually(async () => {
    const { byVersion } = await client.many(10, { url: "http://shaky/" });
    assert((byVersion.v2 ?? 0) > 0);
  });
  assert(Date.now() - ejectedAtMs > 2_000, "not before baseEjectionTime is over");
});

test("a route to a port that no server has gives 503", { skip }, async () => {
  await route("- route: [{destination: {host: echo, port: {number: 9999}}}]");
  assert.equal((await client.request("http://echo/")).status, 503);
});
