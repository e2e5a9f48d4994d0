// COMPLIANCE_POLICY, as Istio's control plane has it: what it wants of TLS holds for all of the mesh, whatever objects say.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import type { ConnectionOptions } from "node:tls";
import { promisify } from "node:util";
import { eventually } from "./eventually.ts";
import { type RunningMesh, skipWithoutMesh as skip, startMesh } from "./running-mesh.ts";
import { makeServerCertificate, tlsSecret } from "./server-certificate.ts";
import { meshConfig, tlsGateway, versionSpoken } from "./tls-gateway.ts";

let mesh: RunningMesh;

before(
  async () => {
    if (skip !== false) return;
    mesh = await startCompliantMesh("fips-140-2");
  },
  { timeout: 120_000 },
);
after(() => mesh?.close());

async function startCompliantMesh(policy: string): Promise<RunningMesh> {
  return startMesh({
    manifests: ["gateway.yaml"],
    files: {
      "edge.yaml": tlsGateway,
      "secret.yaml": tlsSecret("shop", await makeServerCertificate("shop.example")),
      "mesh-config.yaml": meshConfig("meshMTLS: { minProtocolVersion: TLSV1_3 }"),
    },
    machine: {
      enter: (argv) => argv,
      env: { ...process.env, COMPLIANCE_POLICY: policy },
      uid: process.getuid?.() ?? 0,
    },
  });
}

test("fips-140-2: a gateway speaks TLS 1.2 with AES-GCM and P-256 alone", { skip }, async () => {
  const port = Number(new URL(await mesh.gatewayUrl(443)).port);
  const spoken = (options: ConnectionOptions) => versionSpoken(port, options);
  await eventually(async () => assert.equal(await spoken({}), "TLSv1.2"));
  assert.equal(await spoken({ minVersion: "TLSv1.3" }), undefined);
  assert.equal(await spoken({ ecdhCurve: "P-384" }), undefined);
  assert.equal(await spoken({ ciphers: "ECDHE-ECDSA-AES256-SHA" }), undefined);
  assert.equal(await spoken({ ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384" }), "TLSv1.2");
});

test("fips-140-2: workloads call each other by TLS 1.2, though MeshConfig wants 1.3", { skip }, async () => {
  const client = await mesh.client("client");
  const { headers } = await client.echo("http://echo/");
  assert.match(headers["x-forwarded-client-cert"] ?? "", /sa\/client/);
  for (const workload of ["client", "echo-v1"]) {
    const config = await configOf(workload);
    assert.match(config, /"tls_maximum_protocol_version": "TLSv1_2"/);
    assert.doesNotMatch(config, /"tls_m..imum_protocol_version": "TLSv1_3"/);
  }
});

test("pqc: workloads agree on keys by ML-KEM, which this machine's clients of the gateway can't", {
  skip,
}, async () => {
  await mesh.close();
  mesh = await startCompliantMesh("pqc");
  const client = await mesh.client("client");
  const { headers } = await client.echo("http://echo/");
  assert.match(headers["x-forwarded-client-cert"] ?? "", /sa\/client/);
  assert.match(await configOf("echo-v1"), /"X25519MLKEM768"/);
  const port = Number(new URL(await mesh.gatewayUrl(443)).port);
  assert.equal(await versionSpoken(port, { ecdhCurve: "X25519" }), undefined);
});

/** Of clusters and listeners that a proxy was given. */
async function configOf(workload: string): Promise<string> {
  const types = ["dynamic_active_clusters", "dynamic_listeners"];
  const urls = types.map((type) => `http://127.0.0.1:15000/config_dump?resource=${type}`);
  const fetching = `Promise.all(${JSON.stringify(urls)}.map(async (url) => console.log(await (await fetch(url)).text())))`;
  const choices = { container: "istio-proxy" };
  const [command, ...args] = await mesh.exec(workload, [process.execPath, "-e", fetching], choices);
  const { stdout } = await promisify(execFile)(command, args, { maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}
