import assert from "node:assert/strict";
import { test } from "node:test";
import { meshFixture } from "../../../tests/support/mesh-fixture.ts";
import { declareProblems } from "./problems.ts";

const SERVICE = `
apiVersion: v1
kind: Service
metadata: { name: zipkin, namespace: tracing, annotations: { networking.istio.io/exportTo: "tracing" } }
spec: { clusterIP: 10.96.1.1, ports: [{ name: http, port: 9411 }] }
`;

const PROVIDERS = [
  "{ name: good, zipkin: { service: zipkin.tracing.svc.cluster.local, port: 9411 } }",
  "{ name: gone, opentelemetry: { service: gone.tracing.svc.cluster.local, port: 9411 } }",
  "{ name: portless, zipkin: { service: zipkin.tracing.svc.cluster.local, port: 1 } }",
  "{ name: slow, opentelemetry: { service: zipkin.tracing.svc.cluster.local, port: 9411 } }",
  "{ name: old, stackdriver: {} }",
  "{ name: files, envoyFileAccessLog: {} }",
].join(", ");

function problemsOf({ config = "", namespace = "tracing", provider = "" }): readonly string[] {
  const { graph, sources, model, put } = meshFixture();
  const problems = declareProblems(graph, sources, model);
  const telemetry = `
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: { name: traces, namespace: ${namespace} }
spec: { tracing: [{ providers: [{ name: ${provider} }] }] }
`;
  const mesh = `
apiVersion: meltemi.dev/v1
kind: MeshConfig
metadata: { name: mesh }
spec: { extensionProviders: [${PROVIDERS}], ${config} }
`;
  put([SERVICE, mesh, ...(provider === "" ? [] : [telemetry])].join("\n---\n"));
  return [...problems.entries()].flatMap(([, found]) =>
    found.map(({ code, path, message, hint = "" }) => `${code} ${path}: ${message} (${hint})`),
  );
}

const known = '(providers that take spans: "good", "gone", "portless", "slow")';

test("checkTracingProviders() says why nothing is traced by a provider", () => {
  const place = "MLT2051 spec.tracing[0].providers[0].name";
  const reasons = {
    gone: 'the mesh has no service "gone.tracing.svc.cluster.local", or several',
    portless: "zipkin.tracing.svc.cluster.local has no port 1",
    slow: "spans go by gRPC, and port 9411 is HTTP: call it grpc-http",
    old: "no Envoy of today has a tracer for it: use opentelemetry",
    files: "MeshConfig.extensionProviders has another use for it",
    nobody: "MeshConfig.extensionProviders has none of that name",
  };
  for (const [provider, why] of Object.entries(reasons))
    assert.deepEqual(problemsOf({ provider }), [
      `${place}: Nothing is traced by "${provider}": ${why} ${known}`,
    ]);
  assert.deepEqual(problemsOf({ provider: "good" }), []);
  assert.deepEqual(problemsOf({ provider: "good", namespace: "shop" }), [
    `${place}: Nothing is traced by "good": zipkin.tracing.svc.cluster.local isn't exported to namespace "shop" ${known}`,
  ]);
  assert.deepEqual(problemsOf({ provider: "good", namespace: "istio-system" }), []);
});

test("checkDefaultTracing() looks at MeshConfig's own provider, and else at ProxyConfig's addresses", () => {
  assert.deepEqual(problemsOf({ config: "defaultProviders: { tracing: [good, nobody] }" }), []);
  const [first = ""] = problemsOf({ config: "defaultProviders: { tracing: [nobody] }" });
  assert.match(first, /^MLT2051 spec\.defaultProviders\.tracing\[0\]: Nothing is traced by "nobody"/);
  const address = (host: string) => `defaultConfig: { tracing: { zipkin: { address: "${host}" } } }`;
  assert.deepEqual(problemsOf({ config: address("zipkin.tracing:9411") }), []);
  assert.deepEqual(problemsOf({ config: address("zipkin.tracing.svc:9411") }), []);
  assert.match(
    problemsOf({ config: address("zipkin:9411") }).join(),
    /^MLT2051 spec\.defaultConfig\.tracing\.zipkin\.address: Nothing is traced by "zipkin:9411": the mesh has no service "zipkin"/,
  );
});
