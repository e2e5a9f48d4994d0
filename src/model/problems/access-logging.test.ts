import assert from "node:assert/strict";
import { test } from "node:test";
import { meshFixture } from "../../../tests/support/mesh-fixture.ts";
import { declareProblems } from "./problems.ts";

const SERVICE = `
apiVersion: v1
kind: Service
metadata: { name: logs, namespace: shop, annotations: { networking.istio.io/exportTo: "shop" } }
spec: { clusterIP: 10.96.1.1, ports: [{ name: grpc, port: 9090 }, { name: http, port: 80 }] }
`;

const HOST = "service: logs.shop.svc.cluster.local";
const PROVIDERS = [
  "{ name: files, envoyFileAccessLog: {} }",
  `{ name: good, envoyHttpAls: { ${HOST}, port: 9090 } }`,
  `{ name: portless, envoyTcpAls: { ${HOST}, port: 1 } }`,
  `{ name: slow, envoyOtelAls: { ${HOST}, port: 80 } }`,
  "{ name: gone, envoyOtelAls: { service: gone.shop.svc.cluster.local, port: 9090 } }",
  "{ name: old, stackdriver: {} }",
  "{ name: traces, zipkin: { service: a.b, port: 1 } }",
].join(", ");

interface Mesh {
  readonly config?: string;
  readonly namespace?: string;
  readonly providers?: readonly string[];
}

function problemsOf({ config = "", namespace = "shop", providers = [] }: Mesh): readonly string[] {
  const { graph, sources, model, put } = meshFixture();
  const problems = declareProblems(graph, sources, model);
  const names = providers.map((name) => `{ name: ${name} }`).join(", ");
  const telemetry = `
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: { name: logs, namespace: ${namespace} }
spec: { accessLogging: [{ providers: [${names}] }] }
`;
  const mesh = `
apiVersion: meltemi.dev/v1
kind: MeshConfig
metadata: { name: mesh }
spec: { extensionProviders: [${PROVIDERS}], ${config} }
`;
  put([SERVICE, mesh, ...(names === "" ? [] : [telemetry])].join("\n---\n"));
  return [...problems.entries()].flatMap(([, found]) =>
    found.map(({ code, path, message, hint = "" }) => `${code} ${path}: ${message} (${hint})`),
  );
}

const known = "(there are envoy, files, good, portless, slow, gone)";

test("checkLogProviders() says by which providers nothing is logged, and why", () => {
  const reasons = {
    nobody: "MeshConfig.extensionProviders has none of that name",
    portless: "logs.shop.svc.cluster.local has no port 1",
    slow: "logs go by gRPC, and port 80 is HTTP: call it grpc-http",
    gone: 'the mesh has no service "gone.shop.svc.cluster.local", or several',
    old: "no Envoy of today has a logger for it: use envoyOtelAls",
    traces: "MeshConfig.extensionProviders has another use for it",
  };
  const place = (position: number) => `MLT2049 spec.accessLogging[0].providers[${position}].name`;
  const working = ["files", "envoy", "FILES", "good"];
  assert.deepEqual(
    problemsOf({ providers: [...Object.keys(reasons), ...working] }),
    Object.entries(reasons).map(
      ([name, why], at) => `${place(at)}: Nothing is logged by "${name}": ${why} ${known}`,
    ),
  );
});

test("checkLogProviders() says whom a service isn't exported to", () => {
  assert.deepEqual(problemsOf({ providers: ["good"], namespace: "else" }), [
    `MLT2049 spec.accessLogging[0].providers[0].name: Nothing is logged by "good": logs.shop.svc.cluster.local isn't exported to namespace "else" ${known}`,
  ]);
  assert.deepEqual(problemsOf({ providers: ["good"], namespace: "istio-system" }), []);
});

test("checkLogProviders() says where lines go instead", () => {
  const [found = ""] = problemsOf({ config: "accessLogFile: /x", providers: ["nobody"] });
  assert.match(found, /; where no other provider is chosen, lines go to "\/x" instead \(/);
});

test("checkDefaultLogging() says the same of what MeshConfig wants", () => {
  const [first = "", ...others] = problemsOf({ config: "defaultProviders: { accessLogging: [good, gone] }" });
  assert.match(first, /^MLT2049 spec\.defaultProviders\.accessLogging\[1\]: Nothing is logged by "gone"/);
  assert.deepEqual(others, []);
  const service = (address: string) =>
    problemsOf({
      config: `enableEnvoyAccessLogService: true, defaultConfig: { envoyAccessLogService: { address: "${address}" } }`,
    }).map((text) => text.slice(0, text.indexOf(" (")));
  const place = "MLT2049 spec.defaultConfig.envoyAccessLogService.address: Nothing is logged by";
  assert.deepEqual(service("logs.shop:9090"), []);
  assert.deepEqual(service("logs.shop:80"), [
    `${place} "logs.shop:80": logs go by gRPC, and port 80 is HTTP: call it grpc-http`,
  ]);
  assert.deepEqual(service("gone.shop:80"), [
    `${place} "gone.shop:80": the mesh has no service "gone.shop.svc.cluster.local", or several`,
  ]);
  assert.deepEqual(
    problemsOf({ config: "enableEnvoyAccessLogService: true" }).map((text) =>
      text.slice(0, text.indexOf(" (")),
    ),
    [
      'MLT2049 spec.enableEnvoyAccessLogService: Nothing is logged by "": defaultConfig.envoyAccessLogService.address is empty',
    ],
  );
});
