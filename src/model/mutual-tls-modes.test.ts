import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { meshFixture, readNow } from "../../tests/support/mesh-fixture.ts";
import { modeOfPort, mutualTlsOf, type WorkloadMutualTls } from "./mutual-tls-modes.ts";

describe("mutualTlsOf()", () => {
  test("is permissive where no policy says otherwise", () => {
    assert.deepEqual(modesOf(), { mode: "PERMISSIVE", modeByPort: {}, policies: [] });
  });

  test("lets the workload's policy stand over its namespace's, and that over the mesh's", () => {
    const mesh = policy("mesh", "istio-system", "mtls: { mode: DISABLE }");
    const namespace = policy("all", "shop", "mtls: { mode: STRICT }");
    const workload = policy(
      "web",
      "shop",
      "selector: { matchLabels: { app: web } }, mtls: { mode: PERMISSIVE }",
    );
    assert.equal(modesOf(mesh).mode, "DISABLE");
    assert.equal(modesOf(mesh, namespace).mode, "STRICT");
    assert.deepEqual(modesOf(mesh, namespace, workload), {
      mode: "PERMISSIVE",
      modeByPort: {},
      policies: [
        "PeerAuthentication/shop/web",
        "PeerAuthentication/shop/all",
        "PeerAuthentication/istio-system/mesh",
      ],
    });
  });

  test("inherits what a policy leaves unset", () => {
    const namespace = policy("all", "shop", "mtls: { mode: STRICT }");
    const workload = policy("web", "shop", "selector: { matchLabels: { app: web } }, mtls: { mode: UNSET }");
    assert.equal(modesOf(namespace, workload).mode, "STRICT");
  });

  test("tells modes of single ports", () => {
    const ports = "portLevelMtls: { 80: { mode: DISABLE }, 81: { mode: UNSET } }";
    const found = modesOf(
      policy("web", "shop", `selector: { matchLabels: { app: web } }, mtls: { mode: STRICT }, ${ports}`),
    );
    assert.equal(modeOfPort(found, 80), "DISABLE");
    assert.equal(modeOfPort(found, 81), "STRICT");
    assert.equal(modeOfPort(found, 82), "STRICT");
  });

  test("takes the oldest of several policies of one scope", () => {
    const young = policy("a", "shop", "mtls: { mode: DISABLE }", "2026-01-02T00:00:00Z");
    const old = policy("b", "shop", "mtls: { mode: STRICT }", "2026-01-01T00:00:00Z");
    assert.equal(modesOf(young, old).mode, "STRICT");
  });

  test("passes over policies for other workloads and namespaces", () => {
    const other = policy("api", "shop", "selector: { matchLabels: { app: api } }, mtls: { mode: STRICT }");
    assert.equal(modesOf(other, policy("all", "elsewhere", "mtls: { mode: STRICT }")).mode, "PERMISSIVE");
  });
});

function modesOf(...policies: readonly string[]): WorkloadMutualTls {
  const mesh = meshFixture();
  mesh.put(policies.join("\n---\n"));
  return mutualTlsOf(readNow, mesh.model.peerAuthentications, { namespace: "shop", labels: { app: "web" } });
}

function policy(name: string, namespace: string, spec: string, createdAt = "2026-01-01T00:00:00Z"): string {
  return `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: ${name}, namespace: ${namespace}, creationTimestamp: "${createdAt}" }
spec: { ${spec} }
`;
}
