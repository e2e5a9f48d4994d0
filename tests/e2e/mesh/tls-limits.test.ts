// What MeshConfig says of TLS: the oldest version that workloads take from each other, and the curves of a gateway.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { connect } from "node:tls";
import { promisify } from "node:util";
import { eventually } from "./eventually.ts";
import { type RunningMesh, skipWithoutMesh as skip, startMesh } from "./running-mesh.ts";
import { makeServerCertificate, tlsSecret } from "./server-certificate.ts";

const edge = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: edge, namespace: test }
spec:
  selector: { istio: ingressgateway }
  servers:
    - port: { number: 443, name: https, protocol: HTTPS }
      hosts: [shop.example]
      tls: { mode: SIMPLE, credentialName: shop }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: edge, namespace: test }
spec:
  hosts: [shop.example]
  gateways: [edge]
  http: [{ route: [{ destination: { host: echo, port: { number: 80 } } }] }]
`;

let mesh: RunningMesh;

before(
  async () => {
    if (skip !== false) return;
    const certificate = await makeServerCertificate("shop.example");
    mesh = await startMesh({
      manifests: ["gateway.yaml", "legacy.yaml"],
      files: { "edge.yaml": edge, "secret.yaml": tlsSecret("shop", certificate) },
    });
  },
  { timeout: 120_000 },
);
after(() => mesh?.close());

function configure(config: string): Promise<void> {
  return mesh.save(
    "mesh-config.yaml",
    `
apiVersion: v1
kind: ConfigMap
metadata: { name: istio, namespace: istio-system }
data: { mesh: '${config}' }
`,
  );
}

/** What a workload's server answers a caller without a certificate who speaks no newer version: a code of OpenSSL. */
async function callWorkload(maxVersion: string): Promise<string> {
  const [pod] = await mesh.pods("echo-v1");
  const options = JSON.stringify({
    host: pod?.ip,
    port: 8080,
    maxVersion,
    ALPNProtocols: ["istio"],
    rejectUnauthorized: false,
  });
  const program = `
    const socket = require("node:tls").connect(${options});
    socket.on("error", ({ code }) => console.log(code)).on("end", () => console.log("ended"));
  `;
  const [command, ...args] = await mesh.exec("legacy", [process.execPath, "-e", program]);
  const { stdout } = await promisify(execFile)(command, args);
  return stdout.trim();
}

test("meshMTLS.minProtocolVersion is the oldest version that a workload takes", { skip }, async () => {
  // TLS 1.2 is taken: what is missing is a certificate.
  assert.match(await callWorkload("TLSv1.2"), /HANDSHAKE_FAILURE|CERTIFICATE/);
  await configure("meshMTLS: { minProtocolVersion: TLSV1_3 }");
  await eventually(async () => assert.match(await callWorkload("TLSv1.2"), /PROTOCOL_VERSION/));
  assert.doesNotMatch(await callWorkload("TLSv1.3"), /PROTOCOL_VERSION/);
  const client = await mesh.client("client");
  assert.equal((await client.request("http://echo/")).status, 200, "sidecars go on calling each other");
});

test("tlsDefaults.ecdhCurves limits the key exchange of a gateway's servers", { skip }, async () => {
  const { port } = new URL(await mesh.gatewayUrl(443));
  const isTaken = (ecdhCurve: string) =>
    new Promise<boolean>((resolve) => {
      const options = { host: "127.0.0.1", port: Number(port), servername: "shop.example", ecdhCurve };
      const socket = connect({ ...options, rejectUnauthorized: false }, () => {
        resolve(true);
        socket.destroy();
      });
      socket.once("error", () => resolve(false));
    });
  await configure("{}");
  await eventually(async () => assert.ok(await isTaken("P-256")));
  await configure("tlsDefaults: { ecdhCurves: [P-384] }");
  await eventually(async () => assert.equal(await isTaken("P-256"), false));
  assert.equal(await isTaken("P-384"), true);
});
