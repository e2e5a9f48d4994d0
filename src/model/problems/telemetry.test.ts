import assert from "node:assert/strict";
import { test } from "node:test";
import { meshFixture } from "../../../tests/support/mesh-fixture.ts";
import { declareProblems } from "./problems.ts";

const telemetry = (name: string, spec: string) => `
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: { name: ${name}, namespace: shop, creationTimestamp: ${name < "n" ? "2026-01-01" : "2026-01-02"}T00:00:00Z }
spec: ${spec}
`;

function problemsOf(...objects: readonly string[]): readonly string[] {
  const { graph, sources, model, put } = meshFixture();
  const problems = declareProblems(graph, sources, model);
  put(objects.join("\n---\n"));
  return [...problems.entries()].flatMap(([, found]) =>
    found.map(({ code, path, message, hint = "" }) => `${code} ${path}: ${message} (${hint})`),
  );
}

test("checkTelemetryScope() says which of several holds", () => {
  const web = "{ selector: { matchLabels: { app: web } } }";
  assert.deepEqual(problemsOf(telemetry("a", "{}"), telemetry("b", web)), []);
  const [first = "", ...others] = problemsOf(telemetry("a", web), telemetry("z", web));
  assert.match(first, /^MLT2050 spec\.selector: Telemetry "a" for workloads with app=web is older and holds/);
  assert.deepEqual(others, []);
});
