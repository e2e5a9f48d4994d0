// Spans of real Envoys, at a collector that reads them by each protocol's own rules: those of a caller, of a gateway and of the
// called are one trace.

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { behave, collectorManifest, receivedBy, type Span, spansIn } from "./collector.ts";
import { eventually } from "./eventually.ts";
import { meltemi } from "./meltemi-command.ts";
import type { PodClient } from "./pod-client.ts";
import { type RunningMesh, skipWithoutMesh as skip, startMesh } from "./running-mesh.ts";

const HTTP = "service: collector.test.svc.cluster.local, port: 8080";
const GRPC = "service: collector.test.svc.cluster.local, port: 9090";
const providers = {
  "opentelemetry-grpc": `opentelemetry: { ${GRPC} }`,
  "opentelemetry-http": `opentelemetry: { ${HTTP}, http: { path: /v1/traces, headers: [{ name: x-team, value: mesh }] } }`,
  zipkin: `zipkin: { ${HTTP} }`,
  datadog: `datadog: { ${HTTP} }`,
  skywalking: `skywalking: { ${GRPC} }`,
};
type Provider = keyof typeof providers;

const MESH = `
apiVersion: v1
kind: ConfigMap
metadata: { name: istio, namespace: istio-system }
data:
  mesh: |
    extensionProviders:
${Object.entries(providers)
  .map(([name, settings]) => `      - { name: ${name}, ${settings} }`)
  .join("\n")}
`;

const ROUTES = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: all, namespace: test }
spec:
  selector: { istio: ingressgateway }
  servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["*"] }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: all, namespace: test }
spec: { hosts: ["*"], gateways: [all], http: [{ route: [{ destination: { host: echo, port: { number: 80 } } }] }] }
`;

const telemetry = (entry: string, more = "") => `
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: { name: traces, namespace: test }
spec: { ${more} tracing: [{ ${entry} }] }
`;
const all = (provider: Provider) => `providers: [{ name: ${provider} }], randomSamplingPercentage: 100`;

let mesh: RunningMesh;
let client: PodClient;
let collector: PodClient;
let machine: PodClient;
let gateway: string;
let requestCount = 0;

before(
  async () => {
    if (skip !== false) return;
    const files = { "mesh.yaml": MESH, "collector.yaml": collectorManifest, "routes.yaml": ROUTES };
    mesh = await startMesh({ manifests: ["gateway.yaml"], files });
    [client, collector] = await Promise.all([mesh.client("client"), mesh.client("collector")]);
    machine = mesh.machineClient();
    gateway = await mesh.gatewayUrl(80);
  },
  { timeout: 120_000 },
);
after(() => mesh?.close());
beforeEach(() => (skip === false ? behave(collector, "answers") : undefined));

async function put(object: string): Promise<void> {
  await mesh.save("telemetry.yaml", object);
  const { code, text } = await meltemi(mesh, "wait", "telemetry/traces", "-n", "test");
  assert.equal(code, 0, text);
  // Connections that are open go on as they were for one more answer: those of both versions, by both callers.
  await Promise.all([client.many(10, { url: "http://echo/" }), machine.many(10, { url: gateway })]);
}

type Caller = (path: string, headers?: Readonly<Record<string, string>>) => ReturnType<PodClient["request"]>;
const fromPod: Caller = (path, headers = {}) => client.request({ url: `http://echo${path}`, headers });
const fromOutside: Caller = (path, headers = {}) => machine.request({ url: `${gateway}${path}`, headers });

/** The spans of one request, of which there are as many when all have come. */
async function spansOf(
  call: Caller,
  count: number,
  headers?: Readonly<Record<string, string>>,
): Promise<readonly Span[]> {
  requestCount += 1;
  const path = `/request-${requestCount}-end`;
  const { status } = await call(path, headers);
  assert.equal(status, 200);
  return eventually(async () => {
    const spans = spansIn(await receivedBy(collector));
    const traces = new Set(spans.filter((span) => isAbout(span, path)).map(({ traceId }) => traceId));
    const found = spans.filter(({ traceId }) => traces.has(traceId));
    assert.equal(found.length, count, JSON.stringify(found));
    return found;
  });
}

function isAbout({ name, tags }: Span, path: string): boolean {
  return name.includes(path) || Object.values(tags).some((value) => value.includes(path));
}

/** `client(client.test) < server(echo.test)`: each with the parent before it. */
function chainOf(spans: readonly Span[]): string {
  const chain: string[] = [];
  let parent = "";
  for (;;) {
    const next = spans.find(({ parentId }) => parentId === parent);
    if (next === undefined) break;
    chain.push(`${next.kind}(${next.service})`);
    parent = next.spanId;
  }
  assert.equal(chain.length, spans.length, JSON.stringify(spans));
  return chain.join(" < ");
}

type Chains = readonly [called: readonly string[], outside: readonly string[]];

const usualChains: Chains = [
  ["client(client.test)", "server(echo.test)"],
  ["server(gateway.test)", "client(gateway.test)", "server(echo.test)"],
];
const bothEndsOf = (name: string) => [`server(${name}.test)`, `client(${name}.test)`];
const chains: Partial<Record<Provider, Chains>> = {
  // Its spans don't say which end they are of.
  datadog: [
    ["other(client.test)", "other(echo.test)"],
    ["other(gateway.test)", "other(gateway.test)", "other(echo.test)"],
  ],
  // Each proxy is a node between two others.
  skywalking: [
    [...bothEndsOf("client"), ...bothEndsOf("echo")],
    [...bothEndsOf("gateway"), ...bothEndsOf("echo")],
  ],
};

describe("spans of a caller and of the called, and of a gateway", { skip }, () => {
  for (const provider of Object.keys(providers) as readonly Provider[])
    test(`by ${provider}`, async () => {
      await put(telemetry(all(provider)));
      const [called, outside] = chains[provider] ?? usualChains;
      assert.equal(chainOf(await spansOf(fromPod, called.length)), called.join(" < "));
      assert.equal(chainOf(await spansOf(fromOutside, outside.length)), outside.join(" < "));
    });
});

test("tags of each kind, and Istio's", { skip }, async () => {
  const customTags = [
    "own.literal: { literal: { value: text } }",
    "own.variable: { environment: { name: POD_NAMESPACE, defaultValue: none } }",
    "own.missing: { environment: { name: NO_SUCH, defaultValue: none } }",
    "own.header: { header: { name: x-team, defaultValue: nobody } }",
    'own.formatter: { formatter: { value: "%RESPONSE_CODE%" } }',
    "istio.mesh_id: { literal: { value: mine } }",
  ];
  const provider = all("opentelemetry-grpc");
  await put(telemetry(`${provider}, customTags: { ${customTags.join(", ")} }`));
  const spans = await spansOf(fromPod, 2, { "x-team": "red" });
  const tagsBy = (kind: Span["kind"]) => {
    const { tags = {} } = spans.find((span) => span.kind === kind) ?? {};
    return Object.fromEntries(Object.entries(tags).filter(([name]) => /^(own|istio)\./.test(name)));
  };
  const own = {
    ...{ "own.literal": "text", "own.variable": "test", "own.missing": "none", "own.header": "red" },
    ...{ "own.formatter": "200", "istio.mesh_id": "mine" },
    ...{ "istio.namespace": "test", "istio.cluster_id": "Kubernetes" },
  };
  const ofClient = { "istio.canonical_service": "client", "istio.canonical_revision": "latest" };
  assert.deepEqual(tagsBy("client"), { ...own, ...ofClient });
  const { "istio.canonical_revision": revision, ...ofServer } = tagsBy("server");
  assert.deepEqual(ofServer, { ...own, "istio.canonical_service": "echo" });
  assert.match(revision ?? "", /^v[12]$/);
  await put(telemetry(`${provider}, enableIstioTags: false`));
  const plain = await spansOf(fromPod, 2);
  assert.deepEqual(
    plain.flatMap(({ tags }) => Object.keys(tags).filter((name) => name.startsWith("istio."))),
    [],
  );
});

test("one side alone, no sampling, and no reporting", { skip }, async () => {
  const provider = all("zipkin");
  await put(telemetry(`${provider} }, { match: { mode: CLIENT }, disableSpanReporting: true`));
  assert.equal(chainOf(await spansOf(fromPod, 1)), "server(echo.test)");
  await put(telemetry("providers: [{ name: zipkin }], randomSamplingPercentage: 0"));
  await noSpans(fromPod);
  // Who comes with a decision is traced all the same.
  const decided = { "x-b3-traceid": "0af7651916cd43dd8448eb211c80319c", "x-b3-spanid": "b7ad6b7169203331" };
  const spans = await spansOf(fromPod, 2, { ...decided, "x-b3-sampled": "1" });
  assert.deepEqual([...new Set(spans.map(({ traceId }) => traceId))], [decided["x-b3-traceid"]]);
  await put(telemetry(`${provider}, disableSpanReporting: true`));
  await noSpans(fromPod, { ...decided, "x-b3-sampled": "1" });
});

/** What came before it has come when that of a later request has: a proxy sends in order. */
async function noSpans(call: Caller, headers?: Readonly<Record<string, string>>): Promise<void> {
  requestCount += 1;
  const path = `/request-${requestCount}-end`;
  assert.equal((await call(path, headers)).status, 200);
  // Zipkin's tracer sends every five seconds.
  await new Promise((resolve) => setTimeout(resolve, 6_000));
  const spans = spansIn(await receivedBy(collector)).filter((span) => isAbout(span, path));
  assert.deepEqual(spans, []);
}

test("a request from outside continues the trace that it names, and its request id is made anew", {
  skip,
}, async () => {
  const [one, other] = ["4bf92f3577b34da6a3ce929d0e0e4736", "5cf92f3577b34da6a3ce929d0e0e4737"];
  const contexts = {
    "opentelemetry-http": { traceId: one, traceparent: `00-${one}-00f067aa0ba902b7-01` },
    zipkin: { traceId: other, "x-b3-traceid": other, "x-b3-spanid": "00f067aa0ba902b7", "x-b3-sampled": "1" },
  };
  for (const [provider, { traceId, ...context }] of Object.entries(contexts)) {
    await put(telemetry(all(provider as Provider)));
    const forged = "11111111-1111-4111-8111-111111111111";
    const spans = await spansOf(fromOutside, 3, { ...context, "x-request-id": forged });
    assert.deepEqual([...new Set(spans.map((span) => span.traceId))], [traceId]);
    const ids = new Set(spans.flatMap(({ tags }) => tags["guid:x-request-id"] ?? []));
    assert.equal(ids.size, 1);
    assert.ok(!ids.has(forged), [...ids].join());
  }
});

test("a collector that hangs or is gone costs no request", { skip }, async () => {
  await put(telemetry(all("opentelemetry-grpc")));
  const load = await client.load({ url: "http://echo/", connections: 5, pauseMs: 2 });
  for (const behaviour of ["hangs", "is gone", "answers"] as const) {
    await behave(collector, behaviour);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
  }
  const { byStatus, total, failures } = await load.stop();
  assert.deepEqual(byStatus, { 200: total }, JSON.stringify(failures));
  assert.ok(total > 500, String(total));
  assert.equal(chainOf(await spansOf(fromPod, 2)), usualChains[0].join(" < "));
});

test("a tag that Envoys refuse costs no more than itself", { skip }, async () => {
  await put(telemetry(all("opentelemetry-grpc")));
  const bad = `${all("opentelemetry-grpc")}, customTags: { bad: { formatter: { value: "%NO_SUCH_COMMAND%" } } }`;
  await mesh.save("telemetry.yaml", telemetry(bad));
  const { code, text } = await meltemi(mesh, "wait", "telemetry/traces", "-n", "test");
  assert.equal(code, 1, text);
  assert.match(text, /NO_SUCH_COMMAND/);
  assert.equal(chainOf(await spansOf(fromPod, 2)), usualChains[0].join(" < "));
  const strict = "{ mtls: { mode: STRICT } }";
  await mesh.save(
    "strict.yaml",
    `{ apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: { name: default, namespace: test }, spec: ${strict} }`,
  );
  const waited = await meltemi(mesh, "wait", "peerauthentication/default", "-n", "test");
  assert.equal(waited.code, 0, waited.text);
  await mesh.remove("strict.yaml");
});
