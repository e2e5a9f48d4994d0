// Several replicas of a control plane over one API server: one fetches the keys of issuers, all have them, and whoever
// leads next goes on where the last one stopped.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import { type TestContext, test } from "node:test";
import { TestApiServer } from "../../tests/support/api-server.ts";
import { objectsOf } from "../../tests/support/mesh-fixture.ts";
import { ManualClock, systemClock } from "../core/clock.ts";
import { silentLogger } from "../core/logger.ts";
import { createApiClient } from "../kubernetes/api-client.ts";
import { keyOf } from "../model/sources.ts";
import { createControlPlane } from "./create-control-plane.ts";
import { followIssuerKeys } from "./issuer-keys.ts";

const MINUTE = 60_000;
const DEADLINE_MS = 20_000;

// Loopback is never asked for keys.
const address = Object.values(networkInterfaces())
  .flatMap((each) => each ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address;
const skip = address === undefined ? "no address but loopback's" : false;

/** Serves one key, by whose id it is known. */
async function startIssuer(t: TestContext) {
  const issuer = { keyId: "first", isAway: false, askedCount: 0, uri: "" };
  const server = createServer((_request, response) => {
    issuer.askedCount += 1;
    response.statusCode = issuer.isAway ? 503 : 200;
    response.end(JSON.stringify({ keys: [{ ...PUBLIC_KEY, kid: issuer.keyId }] }));
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  issuer.uri = `http://${address}:${(server.address() as AddressInfo).port}/jwks`;
  return issuer;
}

const PUBLIC_KEY = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" });

async function startReplicas(t: TestContext, uri: string) {
  const server = new TestApiServer();
  await server.start();
  server.define("/api/v1/configmaps");
  const stop = new AbortController();
  const client = createApiClient(server.endpoint(), { clock: systemClock, userAgent: "test" });
  t.after(async () => {
    stop.abort();
    client.close();
    await server.stop();
  });
  const clock = new ManualClock(Date.parse("2026-01-01T00:00:00Z"));
  const start = async () => {
    const plane = createControlPlane({ clock, log: silentLogger });
    const objects = objectsOf(`
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: tokens, namespace: shop }
spec: { jwtRules: [{ issuer: idp, jwksUri: "${uri}" }] }
`);
    plane.intake.change(
      objects.map((object) => ({ object, key: keyOf(object) })),
      [],
    );
    plane.intake.flush();
    const keys = await followIssuerKeys({
      ...{ plane, client, clock, log: silentLogger, random: () => 0.5, signal: stop.signal },
      events: { fetched: () => undefined, failed: () => undefined },
      configMap: { namespace: "meltemi-system", name: "meltemi-issuer-keys" },
      addresses: {},
    });
    const { found } = plane.model.requestAuthentications.issuerKeys;
    const has = () => [...found.entries()].map(([, record]) => record);
    return { lead: keys.lead, has, watch: (listener: () => void) => plane.graph.watch(found, listener) };
  };
  return { clock, replicas: [await start(), await start()] as const, start };
}

type Replica = Awaited<ReturnType<Awaited<ReturnType<typeof startReplicas>>["start"]>>;

async function untilEach(replicas: readonly Replica[], word: string): Promise<void> {
  const isThere = () => replicas.every((replica) => JSON.stringify(replica.has()).includes(word));
  const ends: (() => void)[] = [];
  let timer: NodeJS.Timeout | undefined;
  await new Promise<void>((resolve, reject) => {
    const check = () => isThere() && resolve();
    ends.push(...replicas.map((replica) => replica.watch(check)));
    const state = () => JSON.stringify(replicas.map((replica) => replica.has()));
    timer = setTimeout(() => reject(new Error(`never had "${word}": ${state()}`)), DEADLINE_MS);
    check();
  });
  clearTimeout(timer);
  for (const end of ends) end();
}

test("the leading replica fetches, all have the same, and its successor fetches when they are old", {
  skip,
}, async (t) => {
  const issuer = await startIssuer(t);
  const { clock, replicas, start } = await startReplicas(t, issuer.uri);
  const [one, two] = replicas;
  const endOfOne = one.lead();
  await untilEach(replicas, "first");
  assert.deepEqual(one.has(), two.has());
  endOfOne();
  issuer.keyId = "second";
  clock.advance(15 * MINUTE);
  t.after(two.lead());
  clock.advance(4 * MINUTE);
  await untilEach(replicas, "first");
  assert.equal(issuer.askedCount, 1, "what the predecessor fetched is fresh for 20 minutes");
  clock.advance(MINUTE);
  await untilEach(replicas, "second");
  assert.deepEqual(one.has(), two.has());
  assert.equal(issuer.askedCount, 2, "the former leader asks no more");
  // One that starts now has them at once.
  assert.deepEqual((await start()).has(), two.has());
});

test("a successor tries at once what its predecessor couldn't fetch, and keeps the last good keys meanwhile", {
  skip,
}, async (t) => {
  const issuer = await startIssuer(t);
  const { clock, replicas } = await startReplicas(t, issuer.uri);
  const [one, two] = replicas;
  const endOfOne = one.lead();
  await untilEach(replicas, "first");
  issuer.isAway = true;
  clock.advance(20 * MINUTE);
  await untilEach(replicas, "503");
  endOfOne();
  for (const record of [...one.has(), ...two.has()]) assert.match(record.jwks ?? "", /first/);
  Object.assign(issuer, { isAway: false, keyId: "second" });
  t.after(two.lead());
  await untilEach(replicas, "second");
  for (const record of [...one.has(), ...two.has()]) assert.equal(record.failure, undefined);
});
