// What a gateway believes of the proxies before it, by traffic through a real Envoy.

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../e2e/mesh/eventually.ts";
import { findEnvoy } from "./envoy-process.ts";
import { startGateway } from "./gateway-under-plane.ts";

const skip = findEnvoy() === undefined ? "no Envoy: set MELTEMI_ENVOY" : false;

const topology = (fields: string) => `
kind: MeshConfig
metadata: { name: mesh }
spec: { defaultConfig: { gatewayTopology: { ${fields} } } }
`;

const ONLY_OFFICE = `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: office, namespace: shop }
spec: { rules: [{ from: [{ source: { remoteIpBlocks: [203.0.113.0/24] } }] }] }
`;

const OFFICE = "203.0.113.7";
const ELSEWHERE = "198.51.100.1";
const from = (...addresses: readonly string[]) => ({
  headers: `x-forwarded-for: ${addresses.join(", ")}\r\n`,
});

test("remoteIpBlocks see the address that the last trusted proxy tells, and none that a client makes up", {
  skip,
}, async (t) => {
  const gateway = await startGateway(t, () => [ONLY_OFFICE]);
  const status = async (...addresses: readonly string[]) => (await gateway.ask(from(...addresses))).status;
  // Without a trusted proxy, the peer is the client.
  assert.equal(await status(OFFICE), 403);
  gateway.apply(topology("numTrustedProxies: 1"));
  await eventually(async () => assert.equal(await status(OFFICE), 200));
  assert.equal(await status(ELSEWHERE, OFFICE), 200);
  assert.equal(await status(OFFICE, ELSEWHERE), 403);
  assert.equal(await status(OFFICE, OFFICE, ELSEWHERE), 403);
  gateway.apply(topology("numTrustedProxies: 2"));
  await eventually(async () => assert.equal(await status(OFFICE, ELSEWHERE), 200));
  assert.equal(await status(OFFICE, ELSEWHERE, ELSEWHERE), 403);
});

test("forwardClientCertDetails says what becomes of the header that a client sends", { skip }, async (t) => {
  const gateway = await startGateway(t);
  const XFCC = "x-forwarded-client-cert";
  const request = { headers: `${XFCC}: By=somebody\r\n` };
  const received = async () => (await gateway.ask(request)).received[XFCC];
  assert.equal(await received(), undefined);
  gateway.apply(topology("forwardClientCertDetails: ALWAYS_FORWARD_ONLY"));
  await eventually(async () => assert.equal(await received(), "By=somebody"));
  gateway.apply(topology("forwardClientCertDetails: SANITIZE"));
  await eventually(async () => assert.equal(await received(), undefined));
});

test("proxyProtocol takes the client's address from the connection's first bytes, and refuses one without", {
  skip,
}, async (t) => {
  const gateway = await startGateway(t, () => [ONLY_OFFICE]);
  const preamble = (address: string) => ({ preamble: `PROXY TCP4 ${address} 127.0.0.1 4711 80\r\n` });
  gateway.apply(topology("proxyProtocol: {}"));
  await eventually(async () => assert.equal((await gateway.ask(preamble(OFFICE))).status, 200));
  const { received } = await gateway.ask(preamble(OFFICE));
  assert.equal(received["x-forwarded-for"], OFFICE);
  assert.equal((await gateway.ask(preamble(ELSEWHERE))).status, 403);
  assert.equal((await gateway.ask({})).status, 0);
  assert.equal(await gateway.isEchoed(), false);
});
