// What one object asks for and can't have holds up nobody else: the rest of the mesh starts and goes on.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually } from "./eventually.ts";
import type { PodClient } from "./pod-client.ts";
import type { RunningMesh } from "./running-mesh.ts";
import { skipWithoutMesh as skip, startMesh } from "./running-mesh.ts";

// In a namespace without sidecars, and without a pod.
const STRAY = `
apiVersion: v1
kind: Namespace
metadata: { name: elsewhere }
---
apiVersion: v1
kind: Service
metadata: { name: stray, namespace: elsewhere }
spec:
  selector: { app: stray }
  ports:
    - { name: http, port: 15001 }
    - { name: http-in, port: 15006 }
    - { name: http-health, port: 15021 }
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: range, namespace: elsewhere }
spec:
  hosts: [range.example]
  addresses: [192.0.2.0/24]
  ports: [{ number: 15001, name: tcp, protocol: TCP }]
`;
// No pod has the file.
const PARTNER = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: partner, namespace: test }
spec:
  hosts: [partner.example]
  addresses: [198.51.100.5]
  location: MESH_EXTERNAL
  resolution: STATIC
  ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }]
  endpoints: [{ address: 198.51.100.6 }]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: partner, namespace: test }
spec:
  host: partner.example
  trafficPolicy:
    tls: { mode: SIMPLE, caCertificates: /etc/partner/ca.pem }
`;
// The mesh sets itself up by this service's port alone.
const MARK = `
apiVersion: v1
kind: Service
metadata: { name: mark, namespace: test }
spec: { selector: { app: echo }, ports: [{ name: http, port: 8001, targetPort: 8080 }] }
`;

let mesh: RunningMesh;
let client: PodClient;

before(
  async () => {
    if (skip !== false) return;
    mesh = await startMesh({ files: { "stray.yaml": STRAY, "partner.yaml": PARTNER } });
    client = await mesh.client("client");
  },
  { timeout: 120_000 },
);
after(() => mesh?.close());

/** The proxies have what came with the mark, or before it. */
async function mark(isThere: boolean): Promise<void> {
  if (isThere) await mesh.save("mark.yaml", MARK);
  else await mesh.remove("mark.yaml");
  await eventually(async () => {
    const { status } = await client.request({ url: "http://mark:8001/", timeoutMs: 1_000, isNew: true });
    assert.equal(status === 200, isThere);
  });
  await mesh.waitUntilInStep();
}

test("pods that start under a Service on the proxy's own ports call as ever", { skip }, async () => {
  const tally = await client.many(20, { url: "http://echo/", isNew: true });
  assert.deepEqual(tally.byStatus, { 200: 20 });
});

test("a warning names each port that can't be had", { skip }, () => {
  const warned = [...mesh.output().matchAll(/(\S+).*Sidecars can't route calls to port (\d+)/g)];
  assert.deepEqual(
    warned.map(([, , port]) => port),
    ["15001", "15006", "15021", "15001"],
  );
});

test("a rule with a file that no pod has fails its own host's calls, and the proxy's log names the file", {
  skip,
}, async () => {
  const { status, ms } = await client.request({
    url: "http://198.51.100.5/",
    host: "partner.example",
    timeoutMs: 5_000,
  });
  assert.equal(status, 503);
  assert.ok(ms < 4_000, `${ms} ms`);
  const lines = await mesh.logs("client", "istio-proxy");
  assert.ok(
    lines.some(({ text }) => text.includes("file-root:/etc/partner/ca.pem")),
    "the file is in the log",
  );
});

test("such a Service comes and goes under traffic, and no request fails", { skip }, async () => {
  const load = await client.load({ url: "http://echo/", connections: 2, pauseMs: 5, isNew: true });
  await mesh.remove("stray.yaml");
  await mark(true);
  await mesh.save("stray.yaml", STRAY);
  await mark(false);
  await mesh.remove("stray.yaml");
  await mark(true);
  const { failures, total } = await load.stop();
  assert.deepEqual(failures, []);
  assert.ok(total > 10, `${total} requests`);
});
