// The file of keys and who is asked for them, in a mesh on this machine, by the reasons that are given: its own
// addresses are never asked, so what is told of one says where the name led.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { objectsOf } from "../../tests/support/mesh-fixture.ts";
import { ManualClock, systemClock } from "../core/clock.ts";
import { silentLogger } from "../core/logger.ts";
import { keyOf } from "../model/sources.ts";
import { createControlPlane } from "./create-control-plane.ts";
import { keepLocalIssuerKeys } from "./issuer-keys.ts";

const services = `
apiVersion: v1
kind: Service
metadata: { name: keys, namespace: idp }
spec: { clusterIP: 10.96.0.1, ports: [{ name: http, port: 80 }, { name: other, port: 81 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: keys-1, namespace: idp, labels: { kubernetes.io/service-name: keys } }
addressType: IPv4
ports: [{ name: http, port: 8080 }]
endpoints: [{ addresses: [127.0.0.9] }]
`;

const policyAsking = (jwksUri: string) => `
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: tokens, namespace: shop }
spec: { jwtRules: [{ issuer: idp, jwksUri: "${jwksUri}" }] }
`;

const DEADLINE_MS = 10_000;

/** What is in the graph of keys at `uri`, first from the file and then once they were asked for. */
async function keep(t: TestContext, uri: string, file?: object) {
  const directory = await mkdtemp(join(tmpdir(), "meltemi-keys-"));
  t.after(() => rm(directory, { recursive: true }));
  const path = join(directory, "issuer-keys.json");
  if (file !== undefined) await writeFile(path, JSON.stringify(file));
  const clock = new ManualClock();
  const plane = createControlPlane({ clock, log: silentLogger });
  const objects = objectsOf(`${services}---${policyAsking(uri)}`);
  plane.intake.change(
    objects.map((object) => ({ object, key: keyOf(object) })),
    [],
  );
  clock.advance(1_000);
  const { found } = plane.model.requestAuthentications.issuerKeys;
  const failure = new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("the keys weren't asked for")), DEADLINE_MS);
    const end = plane.graph.watch(found, () => {
      const [[, keys] = []] = [...found.entries()];
      if (keys?.failure !== undefined) resolve(keys.failure);
    });
    t.after(() => {
      clearTimeout(timer);
      end();
    });
  });
  const events = { fetched: () => undefined, failed: () => undefined };
  const context = { plane, clock: systemClock, random: () => 0.5, log: silentLogger, events, path };
  t.after(await keepLocalIssuerKeys(context));
  return { before: [...found.entries()], failure, path };
}

for (const host of ["keys.idp", "keys.idp.svc", "keys.idp.svc.cluster.local"]) {
  test(`keepLocalIssuerKeys() asks the endpoints of the Service that ${host} names`, async (t) => {
    const { failure } = await keep(t, `http://${host}/jwks`);
    assert.match(await failure, /leads to 127\.0\.0\.9, a loopback address/);
  });
}

test("keepLocalIssuerKeys() asks no endpoint of another port", async (t) => {
  const { failure } = await keep(t, "http://keys.idp:81/jwks");
  assert.doesNotMatch(await failure, /127\.0\.0\.9/);
});

test("keepLocalIssuerKeys() asks the machine's resolver for a host that no Service has", async (t) => {
  const { failure } = await keep(t, "http://localhost/jwks");
  assert.match(await failure, /leads to (127\.0\.0\.1|::1), a loopback address/);
});

test("keepLocalIssuerKeys() has the stored keys in the graph before it asks, and keeps them after a failure", async (t) => {
  const uri = "http://keys.idp/jwks";
  const jwks = '{"keys":[]}';
  const first = await keep(t, uri);
  await first.failure;
  assert.deepEqual(first.before, []);
  const [name = "", text = ""] =
    Object.entries(JSON.parse(await readFile(first.path, "utf8")) as object)[0] ?? [];
  const { location } = JSON.parse(text) as { readonly location: string };
  // Older than keys are fresh for, so that they are asked for again.
  const fetchedAt = new Date(Date.now() - 3_600_000).toISOString();
  const again = await keep(t, uri, { [name]: JSON.stringify({ location, jwks, fetchedAt }) });
  assert.deepEqual(again.before, [[location, { jwks, fetchedAt }]]);
  await again.failure;
  const [entry = ""] = Object.values(JSON.parse(await readFile(again.path, "utf8")) as object);
  const kept = JSON.parse(entry) as { readonly jwks: string; readonly failure: string };
  assert.equal(kept.jwks, jwks);
  assert.match(kept.failure, /127\.0\.0\.9/);
});
