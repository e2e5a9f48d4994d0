import assert from "node:assert/strict";
import { test } from "node:test";
import { meshFixture } from "../../../tests/support/mesh-fixture.ts";
import { declareProblems } from "./problems.ts";

const MESH = `
apiVersion: meltemi.dev/v1
kind: MeshConfig
metadata: { name: mesh }
spec: { extensionProviders: [{ name: files, envoyFileAccessLog: {} }, { name: grpc, envoyHttpAls: { service: a.b, port: 1 } }, { name: traces, zipkin: { service: a.b, port: 1 } }] }
`;

const telemetry = (name: string, spec: string) => `
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: { name: ${name}, namespace: shop, creationTimestamp: ${name < "n" ? "2026-01-01" : "2026-01-02"}T00:00:00Z }
spec: ${spec}
`;

function problemsOf(...objects: readonly string[]): readonly string[] {
  const { graph, sources, model, put } = meshFixture();
  const problems = declareProblems(graph, sources, model);
  put([MESH, ...objects].join("\n---\n"));
  return [...problems.entries()].flatMap(([, found]) =>
    found.map(({ code, path, message, hint = "" }) => `${code} ${path}: ${message} (${hint})`),
  );
}

test("checkLogProviders() says by which providers nothing is logged, and why", () => {
  const names = ["files", "envoy", "FILES", "nobody", "grpc", "traces"];
  const providers = names.map((name) => `{ name: ${name} }`).join(", ");
  const place = (position: number) => `MLT2049 spec.accessLogging[0].providers[${position}].name`;
  const hint = "(there are envoy, files)";
  assert.deepEqual(problemsOf(telemetry("logs", `{ accessLogging: [{ providers: [${providers}] }] }`)), [
    `${place(3)}: Nothing is logged by "nobody": MeshConfig.extensionProviders has none of that name ${hint}`,
    `${place(4)}: Nothing is logged by "grpc": logs go to files alone, for now ${hint}`,
    `${place(5)}: Nothing is logged by "traces": MeshConfig.extensionProviders has another use for it ${hint}`,
  ]);
});

test("checkLogProviders() says where lines go instead", () => {
  const mesh = `{ apiVersion: meltemi.dev/v1, kind: MeshConfig, metadata: { name: mesh }, spec: { accessLogFile: /x } }`;
  const { graph, sources, model, put } = meshFixture();
  const problems = declareProblems(graph, sources, model);
  put(`${mesh}\n---\n${telemetry("logs", "{ accessLogging: [{ providers: [{ name: nobody }] }] }")}`);
  const [[found] = []] = [...problems.entries()].map(([, each]) => each);
  assert.match(found?.message ?? "", /; where no other provider is chosen, lines go to "\/x" instead$/);
});

test("checkTelemetryScope() says which of several holds", () => {
  const web = "{ selector: { matchLabels: { app: web } } }";
  assert.deepEqual(problemsOf(telemetry("a", "{}"), telemetry("b", web)), []);
  const [first = "", ...others] = problemsOf(telemetry("a", web), telemetry("z", web));
  assert.match(first, /^MLT2050 spec\.selector: Telemetry "a" for workloads with app=web is older and holds/);
  assert.deepEqual(others, []);
});
