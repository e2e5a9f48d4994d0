// The ledger of pushes, while clients over real streams take what they are sent, refuse it, or never answer.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Push } from "../../src/fleet/push-ledger.ts";
import { typeUrlOf } from "../../src/xds/resource-type.ts";
import { openDelta } from "./ads-client.ts";
import { nodeOf, startPlane, startProxy, until } from "./plane-under-test.ts";

function service(name: string): string {
  return `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: shop, resourceVersion: "5" }
spec: { clusterIP: 10.96.0.1, ports: [{ name: http, port: 9080 }] }
`;
}

test("a push counts the proxies that it reached, in step or not, and not those that it didn't concern", async (t) => {
  const { plane, apply, port } = await startPlane(t);
  apply(service("reviews"));
  const newest = (): Push | undefined => plane.fleet.pushes(1)[0];
  const routes = startProxy(t, port, { name: "routes", wants: { route: ["8000"] } });
  await routes.until("has an empty table", () => routes.responses.length === 1);
  await until(
    () => "in step with the first push",
    () => newest()?.inStepCount === 1,
  );
  const connected = newest();
  assert.deepEqual(connected?.cause, { trigger: "proxy", proxy: "routes.shop" });
  assert.equal(connected?.responseCount, 1);

  const taking = startProxy(t, port, { name: "taking", wants: { cluster: "all" } });
  const refusing = startProxy(t, port, {
    name: "refusing",
    wants: { cluster: "all" },
    refuses: ({ name }) => (name.includes("ratings") ? "it isn't liked" : undefined),
  });
  const silent = openDelta(t, port);
  silent.send({ node: nodeOf("silent"), typeUrl: typeUrlOf("cluster") });
  await taking.until("has clusters", () => taking.responses.length === 1);
  await refusing.until("has clusters", () => refusing.responses.length === 1);
  await silent.next();

  apply(service("ratings"));
  await taking.until("has ratings", () => taking.responses.length === 2);
  await refusing.until("has been offered ratings", () => refusing.responses.length === 2);
  const ofRatings = () =>
    plane.fleet.pushes(10).find(({ cause }) => cause.objects?.[0]?.object === "Service/shop/ratings");
  await until(
    () => `in step: ${JSON.stringify(ofRatings())}`,
    () => ofRatings()?.inStepCount === 2,
  );
  const push = ofRatings();
  assert.equal(push?.cause.trigger, "config");
  assert.deepEqual(push?.cause.objects, [{ object: "Service/shop/ratings", revision: "5" }]);
  assert.equal(push?.proxyCount, 3, "the one that asked for another port's routes was sent nothing");
  assert.equal(push?.refusedCount, 1);
  assert.ok((push?.bytes ?? 0) > 300, `${push?.bytes} bytes`);
  assert.ok(push?.lastInStepMs !== undefined && push.lastInStepMs >= push.sinceMs);
});

test("a proxy that goes before it has answered is told from those that are awaited", async (t) => {
  const { plane, apply, port } = await startPlane(t);
  apply(service("reviews"));
  const client = openDelta(t, port);
  client.send({ node: nodeOf("web"), typeUrl: typeUrlOf("cluster") });
  const { nonce } = await client.next();
  client.send({ typeUrl: typeUrlOf("cluster"), responseNonce: nonce });
  const find = () =>
    plane.fleet.pushes(10).find(({ cause }) => cause.objects?.[0]?.object === "Service/shop/ratings");
  apply(service("ratings"));
  await client.next();
  const { proxyCount, inStepCount, leftCount } = find() ?? {};
  assert.deepEqual([proxyCount, inStepCount, leftCount], [1, 0, 0]);
  client.close();
  await until(
    () => "gone",
    () => find()?.leftCount === 1,
  );
});
