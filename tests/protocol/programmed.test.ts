// Who has what was made of an object, asked while clients over real streams take it, refuse it and come back.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { objectKey } from "../../src/core/object-key.ts";
import type { Programmed } from "../../src/fleet/programmed.ts";
import { typeUrlOf } from "../../src/xds/resource-type.ts";
import { openDelta } from "./ads-client.ts";
import { nodeOf, startPlane } from "./plane-under-test.ts";

const rds = typeUrlOf("route");
const cds = typeUrlOf("cluster");
const eds = typeUrlOf("endpoint");
const virtualServiceKey = objectKey({ kind: "VirtualService", namespace: "shop", name: "reviews" });

function mesh(timeout: string): string {
  return `
apiVersion: v1
kind: Service
metadata: { name: reviews, namespace: shop }
spec:
  clusterIP: 10.96.0.1
  selector: { app: reviews }
  ports: [{ name: http, port: 9080 }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews, namespace: shop }
spec:
  hosts: [reviews]
  http: [{ timeout: ${timeout}, route: [{ destination: { host: reviews } }] }]
`;
}

async function start(t: TestContext) {
  const { plane, apply, port } = await startPlane(t);
  apply(mesh("1s"));
  const programmed = () => plane.fleet.programmed(virtualServiceKey);
  /** The version of the route table that the one client is to have. */
  const inForce = () => {
    const [session] = plane.fleet.sessions();
    assert.ok(session !== undefined);
    return plane.fleet.resourcesOf(session, "route")[0]?.version;
  };
  return { apply, port, programmed, inForce };
}

/** Acknowledgements are taken in soon, and tell nobody. */
async function until(programmed: () => Programmed, wanted: Partial<Programmed>): Promise<void> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; ) {
    const found = programmed();
    const pairs = Object.entries(wanted) as [keyof Programmed, unknown][];
    if (pairs.every(([name, value]) => JSON.stringify(found[name]) === JSON.stringify(value))) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(programmed(), wanted);
}

test("programmed() counts who asked for what an object made, and who has taken it", async (t) => {
  const { port, programmed } = await start(t);
  assert.equal(programmed().proxyCount, 0);
  const web = openDelta(t, port);
  const node = nodeOf("web");
  web.send({ node, typeUrl: rds, resourceNamesSubscribe: ["9080"] });
  const { nonce } = await web.next();
  assert.deepEqual(programmed(), {
    proxyCount: 1,
    acknowledgedCount: 0,
    refusals: [],
    awaited: [node.id],
  });
  web.send({ typeUrl: rds, responseNonce: nonce });
  await until(programmed, { proxyCount: 1, acknowledgedCount: 1, awaited: [] });
  // It asks for clusters alone, which no VirtualService makes.
  const teller = openDelta(t, port);
  teller.send({ node: nodeOf("teller"), typeUrl: cds });
  await teller.next();
  assert.equal(programmed().proxyCount, 1);
});

test("programmed() waits from the moment an object changes, and names who refuses it", async (t) => {
  const { port, apply, programmed, inForce } = await start(t);
  const web = openDelta(t, port);
  const node = nodeOf("web");
  web.send({ node, typeUrl: rds, resourceNamesSubscribe: ["9080"] });
  web.send({ typeUrl: rds, responseNonce: (await web.next()).nonce });
  await until(programmed, { acknowledgedCount: 1 });
  apply(mesh("2s"));
  assert.deepEqual(programmed().awaited, [node.id], "before anything was sent");
  const changed = await web.next();
  const errorDetail = { code: 13, message: "9080: no such timeout" };
  web.send({ typeUrl: rds, responseNonce: changed.nonce, errorDetail });
  await until(programmed, { acknowledgedCount: 0, awaited: [] });
  const [refusal] = programmed().refusals;
  assert.deepEqual([refusal?.nodeId, refusal?.refused[0]?.detail], [node.id, "9080: no such timeout"]);
  apply(mesh("3s"));
  // What stood in for the refused version may come first.
  for (let isTaken = false; !isTaken; ) {
    const { resources, nonce } = await web.next();
    web.send({ typeUrl: rds, responseNonce: nonce });
    isTaken = resources.some(({ version }) => version === inForce());
  }
  await until(programmed, { acknowledgedCount: 1, refusals: [] });
});

test("programmed() waits for endpoints, of each of several ServiceEntries for one host", async (t) => {
  const entry = (name: string, address: string) => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: ${name}, namespace: shop, creationTimestamp: "2026-01-0${name === "old" ? 1 : 2}T00:00:00Z" }
spec:
  hosts: [a.com]
  ports: [{ number: 80, name: http, protocol: HTTP }]
  resolution: STATIC
  endpoints: [{ address: ${address} }]
`;
  const { plane, apply, port } = await startPlane(t);
  apply([entry("old", "192.0.2.1"), entry("young", "192.0.2.2")].join("---"));
  const programmedOf = (name: string) => () =>
    plane.fleet.programmed(objectKey({ kind: "ServiceEntry", namespace: "shop", name }));
  const young = programmedOf("young");
  const web = openDelta(t, port);
  const node = nodeOf("web");
  web.send({ node, typeUrl: eds, resourceNamesSubscribe: ["outbound|80||a.com"] });
  web.send({ typeUrl: eds, responseNonce: (await web.next()).nonce });
  await until(young, { proxyCount: 1, acknowledgedCount: 1, awaited: [] });
  apply(entry("young", "192.0.2.3"));
  assert.deepEqual(young().awaited, [node.id], "its cluster is as it was");
  web.send({ typeUrl: eds, responseNonce: (await web.next()).nonce });
  await until(young, { acknowledgedCount: 1, awaited: [] });
  assert.equal(programmedOf("old")().acknowledgedCount, 1);
});

test("programmed() believes a client that comes back with what it has", async (t) => {
  const { port, programmed } = await start(t);
  const first = openDelta(t, port);
  const node = nodeOf("web");
  first.send({ node, typeUrl: rds, resourceNamesSubscribe: ["9080"] });
  const [route] = (await first.next()).resources;
  const again = openDelta(t, port);
  const initialResourceVersions = { "9080": route?.version ?? "" };
  again.send({ node, typeUrl: rds, resourceNamesSubscribe: ["9080"], initialResourceVersions });
  await until(programmed, { proxyCount: 1, acknowledgedCount: 1 });
});
