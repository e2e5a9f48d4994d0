// Whose traffic a report is: what the certificate or the pod's own socket proves. A report can't name its sender, and who
// proves nothing isn't heard.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { emptyCounts, encodeTrafficReport, TRAFFIC_REPORT_PATH } from "../../src/core/traffic-report.ts";
import type { CallOptions, GrpcClient } from "../../src/grpc/client.ts";
import { type Proof, startClaimedPlane } from "./claiming-client.ts";

const pod = (name: string, account: string) => `
apiVersion: v1
kind: Pod
metadata:
  name: ${name}-1
  namespace: shop
  uid: uid-of-${name}
  ownerReferences: [{ kind: StatefulSet, name: ${name}, apiVersion: apps/v1, uid: set-of-${name}, controller: true }]
spec: { serviceAccountName: ${account}, containers: [{ name: app, image: app }] }
status: { podIP: 10.0.0.1, podIPs: [{ ip: 10.0.0.1 }] }
`;
const objects = [pod("web", "web"), pod("reviews", "reviews")].join("---");

const proofOf = (name: string): Proof => ({
  ...{ namespace: "shop", serviceAccount: name },
  pod: { name: `${name}-1`, uid: `uid-of-${name}` },
});

/** As if the admin's workload had called: the strongest that a report can say of others. */
function reportBytes(sequence = 0): Uint8Array {
  const counts = { ...emptyCounts() };
  counts.latency[0] = 5;
  const key = {
    reporter: "destination",
    peerWorkload: "admin",
    peerNamespace: "admin",
    peerPrincipal: "spiffe://cluster.local/ns/admin/sa/admin",
    service: "payments.bank.svc.cluster.local",
    route: "default",
    protocol: "http",
    security: "mutual_tls",
  } as const;
  return encodeTrafficReport({ run: "a", sequence, series: [[key, counts]] });
}

async function start(t: TestContext) {
  const plane = await startClaimedPlane(t, objects);
  /** Resolves with OK, or the status of the refusal. */
  const tell = async (client: GrpcClient, bytes = reportBytes(), options: CallOptions = {}) => {
    try {
      await client.unary(TRAFFIC_REPORT_PATH, bytes, { timeoutMs: 10_000, ...options });
      return "OK";
    } catch (error) {
      return (error as { readonly status?: string }).status;
    }
  };
  const reporters = () =>
    plane.traffic.read(60_000).series.map(([{ namespace, workload, principal }]) => ({
      ...{ namespace, workload, principal },
    }));
  return { ...plane, tell, reporters };
}

const REVIEWS = {
  namespace: "shop",
  workload: "reviews",
  principal: "spiffe://cluster.local/ns/shop/sa/reviews",
};

test("a report is of the workload whose pod's certificate was shown, whatever it says", async (t) => {
  const { clientOf, tell, reporters } = await start(t);
  assert.equal(await tell(clientOf(proofOf("reviews"))), "OK");
  assert.deepEqual(reporters(), [REVIEWS]);
});

test("a report by a pod's own socket is that pod's, with its certificate or without", async (t) => {
  const { clientFrom, tell, reporters } = await start(t);
  const { pod: owner, ...account } = proofOf("reviews");
  assert.ok(owner !== undefined);
  assert.equal(await tell(await clientFrom({ ...account, pod: owner })), "OK");
  assert.equal(
    await tell(await clientFrom({ ...account, pod: owner }, proofOf("reviews")), reportBytes(1)),
    "OK",
  );
  assert.deepEqual(reporters(), [REVIEWS]);
});

test("another pod's certificate on a pod's socket is refused", async (t) => {
  const { clientFrom, tell, reporters } = await start(t);
  const { pod: owner, ...account } = proofOf("reviews");
  assert.ok(owner !== undefined);
  assert.equal(await tell(await clientFrom({ ...account, pod: owner }, proofOf("web"))), "PERMISSION_DENIED");
  assert.deepEqual(reporters(), []);
});

test("who shows no certificate isn't heard, also with a token", async (t) => {
  const { clientOf, tell, reporters } = await start(t);
  const metadata = { authorization: "Bearer a.b.c" };
  assert.equal(await tell(clientOf("anonymous")), "UNAUTHENTICATED");
  assert.equal(await tell(clientOf("anonymous"), reportBytes(), { metadata }), "UNAUTHENTICATED");
  assert.equal(await tell(clientOf()), "UNIMPLEMENTED");
  assert.deepEqual(reporters(), []);
});

test("a pod that the control plane doesn't know yet is asked to come again", async (t) => {
  const { clientOf, put, tell, reporters } = await start(t);
  const early = proofOf("early");
  assert.equal(await tell(clientOf(early)), "UNAVAILABLE");
  put(pod("early", "early"));
  assert.equal(await tell(clientOf(early)), "OK");
  assert.deepEqual(
    reporters().map(({ workload }) => workload),
    ["early"],
  );
});

test("a name that was given to another pod since is none", async (t) => {
  const { clientOf, tell } = await start(t);
  const former = { ...proofOf("reviews"), pod: { name: "reviews-1", uid: "of-a-former-pod" } };
  assert.equal(await tell(clientOf(former)), "UNAVAILABLE");
});

test("a certificate without a pod counts for its ServiceAccount alone", async (t) => {
  const { clientOf, tell, reporters } = await start(t);
  assert.equal(await tell(clientOf({ namespace: "shop", serviceAccount: "reviews" })), "OK");
  assert.deepEqual(reporters(), [{ ...REVIEWS, workload: "" }]);
});

test("what is no report is refused, and nothing of it is kept", async (t) => {
  const { clientOf, tell, reporters } = await start(t);
  const client = clientOf(proofOf("reviews"));
  for (const bytes of [Buffer.from("[]"), Buffer.from("\u0000"), Buffer.alloc(2_000_000, " ")])
    assert.equal(await tell(client, bytes), "INVALID_ARGUMENT");
  assert.deepEqual(reporters(), []);
});
