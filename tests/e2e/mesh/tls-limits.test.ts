// What MeshConfig says of TLS: the oldest version that workloads take from each other, and the curves of a gateway.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { eventually } from "./eventually.ts";
import { type RunningMesh, skipWithoutMesh as skip, startMesh } from "./running-mesh.ts";
import { makeServerCertificate, tlsSecret } from "./server-certificate.ts";
import { meshConfig, tlsGateway, versionSpoken } from "./tls-gateway.ts";

let mesh: RunningMesh;

before(
  async () => {
    if (skip !== false) return;
    const certificate = await makeServerCertificate("shop.example");
    mesh = await startMesh({
      manifests: ["gateway.yaml", "legacy.yaml"],
      files: { "edge.yaml": tlsGateway, "secret.yaml": tlsSecret("shop", certificate) },
    });
  },
  { timeout: 120_000 },
);
after(() => mesh?.close());

function configure(config: string): Promise<void> {
  return mesh.save("mesh-config.yaml", meshConfig(config));
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
  const port = Number(new URL(await mesh.gatewayUrl(443)).port);
  const isTaken = async (ecdhCurve: string) => (await versionSpoken(port, { ecdhCurve })) !== undefined;
  await configure("{}");
  await eventually(async () => assert.ok(await isTaken("P-256")));
  await configure("tlsDefaults: { ecdhCurves: [P-384] }");
  await eventually(async () => assert.equal(await isTaken("P-256"), false));
  assert.equal(await isTaken("P-384"), true);
});
