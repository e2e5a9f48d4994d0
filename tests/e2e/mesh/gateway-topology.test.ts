// A gateway behind a proxy of somebody else's, as its pod's annotation says: whose address policies at the gateway see.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { eventually } from "./eventually.ts";
import type { RunningMesh } from "./running-mesh.ts";
import { skipWithoutMesh as skip, startMesh } from "./running-mesh.ts";

const SERVERS = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: test}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: edge, namespace: test}
spec:
  hosts: ["*"]
  gateways: [edge]
  http: [{route: [{destination: {host: echo, port: {number: 80}}}]}]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: office, namespace: test}
spec:
  selector: {matchLabels: {istio: ingressgateway}}
  rules: [{from: [{source: {remoteIpBlocks: [203.0.113.0/24]}}]}]
`;
const OFFICE = "203.0.113.7";
const ELSEWHERE = "198.51.100.1";

let mesh: RunningMesh;
let url: string;

before(
  async () => {
    if (skip !== false) return;
    mesh = await startMesh({ files: { "gateway.yaml": await gatewayBehind(1), "servers.yaml": SERVERS } });
    url = await mesh.gatewayUrl(80);
  },
  { timeout: 120_000 },
);
after(() => mesh?.close());

async function gatewayBehind(proxyCount: number): Promise<string> {
  const text = await readFile(new URL("./manifests/gateway.yaml", import.meta.url), "utf8");
  const template = "inject.istio.io/templates: gateway";
  assert.ok(text.includes(template));
  const topology = `'{"gatewayTopology": {"numTrustedProxies": ${proxyCount}}}'`;
  return text.replace(template, `${template}, proxy.istio.io/config: ${topology}`);
}

/** What the proxy before the gateway sends on: a client's header, if it made one up, and the client's address. */
async function statusFrom(client: string, madeUp?: string): Promise<number> {
  const addresses = madeUp === undefined ? client : `${madeUp}, ${client}`;
  const headers = { "x-forwarded-for": addresses };
  return (await mesh.machineClient().request({ url: `${url}/`, headers })).status;
}

test("behind one trusted proxy a policy of remoteIpBlocks sees the client, whatever address that makes up", {
  skip,
}, async () => {
  await eventually(async () => assert.equal(await statusFrom(OFFICE), 200));
  assert.equal(await statusFrom(ELSEWHERE), 403);
  assert.equal(await statusFrom(ELSEWHERE, OFFICE), 403);
  assert.equal(await statusFrom(OFFICE, ELSEWHERE), 200);
});

test("a gateway whose pod says that nobody is before it believes no header", { skip }, async () => {
  await mesh.save("gateway.yaml", await gatewayBehind(0));
  await eventually(async () => assert.equal(await statusFrom(OFFICE), 403));
  assert.equal(await statusFrom(ELSEWHERE, OFFICE), 403);
});
