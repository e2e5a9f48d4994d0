// Who has what was made of an object, asked while clients over real streams take it, refuse it and come back.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { systemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { objectKey } from "../../src/core/object-key.ts";
import type { Programmed } from "../../src/fleet/programmed.ts";
import { GrpcServer } from "../../src/grpc/server.ts";
import { noAuthenticator } from "../../src/identity/authenticator.ts";
import { requireIdentity } from "../../src/main/authenticated-backend.ts";
import { createControlPlane } from "../../src/main/create-control-plane.ts";
import { objectsOf } from "../../src/model/mesh-fixture.ts";
import { keyOf } from "../../src/model/sources.ts";
import { typeUrlOf } from "../../src/xds/resource-type.ts";
import { createXdsServer } from "../../src/xds/xds-server.ts";
import { openDelta } from "./ads-client.ts";

const rds = typeUrlOf("route");
const cds = typeUrlOf("cluster");
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
  const plane = createControlPlane({ clock: systemClock, log: silentLogger });
  t.after(() => plane.intake.close());
  const apply = (text: string) => {
    plane.intake.change(
      objectsOf(text).map((object) => ({ object, key: keyOf(object) })),
      [],
    );
    plane.intake.flush();
  };
  apply(mesh("1s"));
  const server = new GrpcServer({ clock: systemClock, log: silentLogger, random: () => 0.5 });
  t.after(() => server.close());
  const xds = createXdsServer(requireIdentity(plane.fleet, noAuthenticator), {
    clock: systemClock,
    log: silentLogger,
  });
  const endpoint = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
  const { port = 0 } = await server.listen(endpoint, { methods: xds.methods({ servesSecrets: false }) });
  const programmed = () => plane.fleet.programmed(virtualServiceKey);
  /** The version of the route table that the one client is to have. */
  const inForce = () => {
    const [session] = plane.fleet.sessions();
    assert.ok(session !== undefined);
    return plane.fleet.resourcesOf(session, "route")[0]?.version;
  };
  return { apply, port, programmed, inForce };
}

function nodeOf(name: string) {
  return {
    id: `sidecar~10.0.0.1~${name}.shop~shop.svc.cluster.local`,
    metadata: { NAMESPACE: "shop" },
    userAgentVersionType: {
      case: "userAgentBuildVersion" as const,
      value: { version: { majorNumber: 1, minorNumber: 40, patch: 0 } },
    },
  };
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
    refusedBy: [],
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
  await until(programmed, { acknowledgedCount: 0, awaited: [], refusedBy: [node.id] });
  apply(mesh("3s"));
  // What stood in for the refused version may come first.
  for (let isTaken = false; !isTaken; ) {
    const { resources, nonce } = await web.next();
    web.send({ typeUrl: rds, responseNonce: nonce });
    isTaken = resources.some(({ version }) => version === inForce());
  }
  await until(programmed, { acknowledgedCount: 1, refusedBy: [] });
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
