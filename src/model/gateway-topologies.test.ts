import assert from "node:assert/strict";
import { test } from "node:test";
import { meshFixture } from "../../tests/support/mesh-fixture.ts";

const MESH = `
kind: MeshConfig
metadata: { name: mesh }
spec: { defaultConfig: { gatewayTopology: { numTrustedProxies: 1, forwardClientCertDetails: SANITIZE } } }
`;

const pod = (name: string, annotation: string) => `
apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: infra, annotations: { proxy.istio.io/config: '${annotation}' } }
spec: { containers: [{ name: istio-proxy }] }
`;

test("a pod's gatewayTopology is the mesh's with what its annotation says over it", () => {
  const { model, put } = meshFixture();
  put(
    [
      MESH,
      pod("own", "gatewayTopology: { numTrustedProxies: 2, proxyProtocol: {} }"),
      pod("silent", "concurrency: 2"),
      pod("faulty", "gatewayTopology: { numTrustedProxies: many }"),
      pod("unreadable", "{"),
    ].join("---"),
  );
  const topologyOf = (name: string) => model.gatewayTopologies.get(`infra/${name}`);
  assert.deepEqual(topologyOf("own"), {
    numTrustedProxies: 2,
    forwardClientCertDetails: "SANITIZE",
    proxyProtocol: {},
  });
  for (const name of ["silent", "faulty", "unreadable"]) assert.equal(topologyOf(name), undefined, name);
  put(MESH.replace("SANITIZE", "SANITIZE_SET"));
  assert.equal(topologyOf("own")?.forwardClientCertDetails, "SANITIZE_SET");
});
