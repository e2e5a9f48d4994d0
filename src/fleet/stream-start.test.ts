// The start of streams whose pod the control plane doesn't know, on a clock that stands still.

import assert from "node:assert/strict";
import { test } from "node:test";
import { tlsSecretData } from "../../tests/support/keyed-certificate-fixture.ts";
import { meshFixture, objectsOf } from "../../tests/support/mesh-fixture.ts";
import { ManualClock } from "../core/clock.ts";
import { silentLogger } from "../core/logger.ts";
import { writeObject } from "../model/sources.ts";
import { declareRecognitions, type ProxyStream } from "../view/recognition.ts";
import { declareViews } from "../view/views.ts";
import type { XdsJoining } from "../xds/backend.ts";
import type { ResourceSet } from "../xds/resource.ts";
import { noDebugAccess } from "./debug-types.ts";
import { Fleet } from "./fleet.ts";
import type { IdentifiedClient } from "./proxy-identity.ts";
import { declareResourceTables } from "./resource-tables.ts";

const POD = `
apiVersion: v1
kind: Pod
metadata: { name: edge-1, namespace: shop, uid: uid-1, labels: { app: edge } }
spec: { serviceAccountName: edge, containers: [{ name: istio-proxy, image: proxy, args: [proxy, router] }] }
status: { phase: Running, podIP: 10.0.0.1 }
`;

const MESH = `
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { clusterIP: 10.96.0.1, ports: [{ name: http, port: 8080 }] }
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: of-the-pod, namespace: shop }
spec:
  selector: { app: edge }
  servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["*"] }]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: of-all, namespace: shop }
spec:
  servers:
    - port: { number: 443, name: https, protocol: HTTPS }
      hosts: ["*"]
      tls: { mode: SIMPLE, credentialName: edge }
`;

function start() {
  const { graph, sources, model } = meshFixture();
  const streams = graph.source<ProxyStream>("xds streams");
  const recognitions = declareRecognitions(graph, model, streams);
  const views = declareViews(graph, model, recognitions.proxies);
  const tables = declareResourceTables(graph, views);
  const clock = new ManualClock();
  const debug = { ...noDebugAccess, page: async () => "" };
  const fleet = new Fleet({ graph, views, streams, recognitions, tables, clock, log: silentLogger, debug });
  const put = (text: string) =>
    fleet.commit((transaction) => {
      for (const object of objectsOf(text)) writeObject(transaction, sources, object);
    });
  put(MESH);
  put(`
apiVersion: v1
kind: Secret
metadata: { name: edge, namespace: shop }
type: kubernetes.io/tls
stringData: ${tlsSecretData()}
`);
  const remove = (name: string) =>
    fleet.commit((transaction) => transaction.delete(sources.Pod, `shop/${name}`));
  return { fleet, clock, put, remove, proxies: recognitions.proxies };
}

const id = "router~10.0.0.1~edge-1.shop~shop.svc.cluster.local";

const client: IdentifiedClient = {
  nodeId: id,
  node: {
    id,
    cluster: "",
    metadata: { LABELS: { app: "edge" } },
    locality: { region: "", zone: "", subZone: "" },
    userAgentName: "envoy",
    userAgentVersion: "1.40.0",
  },
  identity: {
    proof: "certificate",
    trustDomain: "cluster.local",
    namespace: "shop",
    serviceAccount: "edge",
    pod: { name: "edge-1", uid: "uid-1" },
  },
  peer: undefined,
  owner: undefined,
  protocol: "delta",
  remoteAddress: undefined,
  servesSecrets: true,
  metadata: () => undefined,
};

function join(fleet: Fleet) {
  const closed: string[] = [];
  const sets: ResourceSet[] = [];
  const { conversation } = fleet.open(client, {
    publish: (set) => void sets.push(set),
    standing: () => "in-use",
    offerAgain: () => undefined,
    close: (status) => void closed.push(status),
  });
  const joining = conversation.join();
  return { conversation, joining, closed, sets };
}

function setOf(joining: XdsJoining): ResourceSet {
  assert.ok(joining.kind === "joined");
  return joining.session.initialSet();
}

const contents = (set: ResourceSet | undefined) => ({
  hasCluster: set?.get("cluster", "outbound|8080||web.shop.svc.cluster.local") !== undefined,
  hasOwnPort: set?.get("listener", "0.0.0.0_80") !== undefined,
  hasSecret: set?.get("secret", "kubernetes://edge") !== undefined,
});

test("Fleet lets a stream wait for its pod for 5 s, then serves its namespace without labels, ports or secrets", async () => {
  const { fleet, clock, put } = start();
  const { joining, sets } = join(fleet);
  assert.ok(joining instanceof Promise);
  let isSettled = false;
  void joining.then(() => {
    isSettled = true;
  });
  clock.advance(4_999);
  await Promise.resolve();
  assert.equal(isSettled, false);
  clock.advance(1);
  const set = setOf(await joining);
  assert.deepEqual(contents(set), { hasCluster: true, hasOwnPort: false, hasSecret: false });
  put(POD);
  assert.deepEqual(contents(sets.at(-1)), { hasCluster: true, hasOwnPort: true, hasSecret: true });
});

test("Fleet serves a stream at once when its pod comes, and takes back what was the pod's when that goes", async () => {
  const { fleet, put, remove } = start();
  const { joining, sets, closed } = join(fleet);
  put(POD.replace("podIP: 10.0.0.1", "hostIP: 192.0.2.1"));
  put(POD);
  const set = setOf(await joining);
  assert.deepEqual(contents(set), { hasCluster: true, hasOwnPort: true, hasSecret: true });
  remove("edge-1");
  assert.deepEqual(contents(sets.at(-1)), { hasCluster: true, hasOwnPort: false, hasSecret: false });
  assert.deepEqual(closed, []);
});

test("Fleet refuses a stream whose pod comes as another than it says, while it waits and later", async () => {
  const { fleet, clock, put } = start();
  const waiting = join(fleet);
  const served = join(fleet);
  const foreign = POD.replace("serviceAccountName: edge", "serviceAccountName: admin");
  clock.advance(5_000);
  assert.equal((await served.joining).kind, "joined");
  const late = join(fleet);
  put(foreign);
  assert.deepEqual(served.closed, ["PERMISSION_DENIED"]);
  const refusal = await late.joining;
  assert.equal(refusal.kind === "refused" && refusal.status, "PERMISSION_DENIED");
  assert.equal((await waiting.joining).kind, "joined");
});

test("Fleet forgets a stream that ends while it waits", async () => {
  const { fleet, clock, proxies } = start();
  const { conversation } = join(fleet);
  assert.equal(proxies.size, 1);
  conversation.closed();
  assert.equal(proxies.size, 0);
  clock.advance(10_000);
  assert.deepEqual([...fleet.sessions()], []);
});
