// The whole street in one process: objects go in, and what each stream is given comes out.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../core/clock.ts";
import { silentLogger } from "../core/logger.ts";
import { objectKey } from "../core/object-key.ts";
import type { IdentifiedClient } from "../fleet/proxy-identity.ts";
import { objectsOf } from "../model/mesh-fixture.ts";
import { keyOf } from "../model/sources.ts";
import type { XdsSession } from "../xds/backend.ts";
import type { ResourceReference, ResourceSet } from "../xds/resource.ts";
import { createControlPlane } from "./create-control-plane.ts";

const mesh = `
apiVersion: v1
kind: Service
metadata: { name: reviews, namespace: shop }
spec:
  clusterIP: 10.96.0.1
  selector: { app: reviews }
  ports: [{ name: http, port: 9080 }]
---
apiVersion: v1
kind: Service
metadata: { name: ledger, namespace: bank }
spec:
  clusterIP: 10.96.0.2
  selector: { app: ledger }
  ports: [{ name: tcp, port: 6379 }]
`;

function virtualService(cluster: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews, namespace: shop }
spec:
  hosts: [reviews]
  http: [{ route: [{ destination: { host: ${cluster} } }] }]
`;
}

function endpointSlice(address: string): string {
  return `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: reviews-1, namespace: shop, labels: { kubernetes.io/service-name: reviews } }
addressType: IPv4
ports: [{ name: http, port: 9080 }]
endpoints: [{ addresses: ["${address}"] }]
`;
}

/** A control plane on a clock that stands still, and streams that note what they are given. */
function startPlane() {
  const clock = new ManualClock();
  const plane = createControlPlane({ clock, log: silentLogger });
  const apply = (text: string) => {
    const upserts = objectsOf(text).map((object) => ({ object, key: keyOf(object) }));
    plane.intake.change(upserts, []);
    clock.advance(1_000);
  };
  const open = (nodeId: string, rest: Partial<IdentifiedClient> = {}) => {
    const published: (readonly ResourceReference[] | "all")[] = [];
    let set: ResourceSet | undefined;
    const opening = plane.fleet.open(clientOf(nodeId, rest), {
      publish: (next, changes) => {
        set = next;
        published.push(changes);
      },
      standing: () => "in-use",
      close: () => undefined,
    });
    if (opening.kind === "refused") return { opening, published, set: () => set };
    set = opening.session.initialSet();
    return { opening, session: opening.session as XdsSession, published, set: () => set };
  };
  return { plane, apply, open };
}

function clientOf(nodeId: string, rest: Partial<IdentifiedClient>): IdentifiedClient {
  const locality = { region: "", zone: "", subZone: "" };
  return {
    nodeId,
    node: {
      id: nodeId,
      cluster: "",
      metadata: {},
      locality,
      userAgentName: "envoy",
      userAgentVersion: "1.40.0",
    },
    peer: undefined,
    owner: undefined,
    identity: { proof: "none" },
    protocol: "delta",
    remoteAddress: undefined,
    servesSecrets: true,
    metadata: () => undefined,
    ...rest,
  };
}

const webInShop = "sidecar~10.0.0.1~web.shop~shop.svc.cluster.local";
const tellerInBank = "sidecar~10.0.0.2~teller.bank~bank.svc.cluster.local";

test("createControlPlane() gives a sidecar clusters, listeners and routes of the whole mesh", () => {
  const { apply, open } = startPlane();
  apply(mesh);
  const set = open(webInShop).set();
  const names = (type: "cluster" | "listener") => [...(set?.names(type) ?? [])].sort();
  assert.deepEqual(names("cluster"), [
    "BlackHoleCluster",
    "InboundPassthroughCluster",
    "PassthroughCluster",
    "outbound|6379||ledger.bank.svc.cluster.local",
    "outbound|9080||reviews.shop.svc.cluster.local",
  ]);
  assert.deepEqual(names("listener"), [
    "0.0.0.0_9080",
    "10.96.0.2_6379",
    "virtualInbound",
    "virtualOutbound",
  ]);
  assert.ok(set?.get("route", "9080"));
});

test("createControlPlane() publishes a changed VirtualService as the one route that it changes", () => {
  const { apply, open } = startPlane();
  apply(mesh);
  const web = open(webInShop);
  const before = web.set();
  const version = before?.get("route", "9080")?.version;
  apply(virtualService("ledger.bank.svc.cluster.local"));
  assert.deepEqual(web.published, [[{ type: "route", name: "9080" }]]);
  assert.notEqual(web.set()?.get("route", "9080")?.version, version);
  assert.equal(before?.get("route", "9080")?.version, version, "what the stream had stays what it was");
});

test("createControlPlane() publishes a new endpoint as that cluster's endpoints alone", () => {
  const { apply, open } = startPlane();
  apply(mesh);
  const teller = open(tellerInBank);
  apply(endpointSlice("10.0.0.9"));
  assert.deepEqual(teller.published, [
    [{ type: "endpoint", name: "outbound|9080||reviews.shop.svc.cluster.local" }],
  ]);
});

test("createControlPlane() publishes nothing for an object that says again what it said", () => {
  const { apply, open } = startPlane();
  apply(mesh);
  const web = open(webInShop);
  apply(mesh);
  assert.deepEqual(web.published, []);
});

test("createControlPlane() shows a private DestinationRule to its own namespace only", () => {
  const { apply, open } = startPlane();
  apply(mesh);
  const [web, teller] = [open(webInShop), open(tellerInBank)];
  apply(`
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews, namespace: bank }
spec:
  host: reviews.shop.svc.cluster.local
  exportTo: ["."]
  trafficPolicy: { connectionPool: { tcp: { maxConnections: 1 } } }
`);
  const cluster = "outbound|9080||reviews.shop.svc.cluster.local";
  assert.deepEqual(web.published, []);
  assert.ok(
    teller.published
      .flat()
      .some((change) => change !== "all" && typeof change === "object" && change.name === cluster),
  );
  assert.notEqual(
    web.set()?.get("cluster", cluster)?.version,
    teller.set()?.get("cluster", cluster)?.version,
  );
});

test("createControlPlane() keeps the route before one that an Envoy refuses, and blames the object", () => {
  const { plane, apply, open } = startPlane();
  apply(mesh);
  const web = open(webInShop);
  const good = web.set()?.get("route", "9080");
  apply(virtualService("ledger.bank.svc.cluster.local"));
  const bad = web.set()?.get("route", "9080");
  assert.ok(bad && web.session);
  web.session.rejected("route", [{ name: "9080", version: bad.version }], "9080: no such cluster");
  assert.equal(web.set()?.get("route", "9080")?.version, good?.version);
  const [refusal] = plane.fleet.refusals();
  const blamed = objectKey({ kind: "VirtualService", namespace: "shop", name: "reviews" });
  assert.ok(refusal?.source.some(({ object }) => object === blamed));
});

/** A rule of a service of its own, on one port with the others'. */
function ruled(name: string, path: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${name}, namespace: shop }
spec:
  hosts: [${name}.example.com]
  http: [{ match: [{ uri: { prefix: ${path} } }], route: [{ destination: { host: reviews } }] }]
`;
}

/** Three rules in one table, and an Envoy that refuses it while a path in it is bad. */
function startRefusingPlane() {
  const { plane, apply, open } = startPlane();
  apply(mesh.replaceAll("9080", "80"));
  const web = open(webInShop);
  const table = () => Buffer.concat(web.set()?.get("route", "80")?.body ?? []).toString("latin1");
  let heard = "";
  const answer = () => {
    for (;;) {
      const route = web.set()?.get("route", "80");
      if (route === undefined || route.version === heard) return;
      heard = route.version;
      const resources = [{ name: "80", version: route.version }];
      if (table().includes("/bad")) web.session?.rejected("route", resources, "80: I don't like it");
      else web.session?.acknowledged("route", `${heard}-nonce`, resources);
    }
  };
  const put = (...texts: string[]) => {
    apply(texts.join("---"));
    answer();
  };
  const paths = () => [...new Set(table().match(/\/(?:good|bad)-\w+/g))].sort();
  put(ruled("a", "/good-a"), ruled("b", "/good-b"), ruled("c", "/good-c"));
  return { plane, put, paths };
}

const keyOfRule = (name: string) => objectKey({ kind: "VirtualService", namespace: "shop", name });

test("createControlPlane() lets others' edits go on while an object stands refused", () => {
  const { plane, put, paths } = startRefusingPlane();
  put(ruled("a", "/bad-a"));
  assert.deepEqual(paths(), ["/good-a", "/good-b", "/good-c"], "its version before stays in force");
  put(ruled("b", "/good-other"));
  assert.deepEqual(paths(), ["/good-a", "/good-c", "/good-other"]);
  assert.deepEqual(
    plane.fleet.refusals().map(({ name, source }) => [name, source.map(({ object }) => object)]),
    [["80", [keyOfRule("a")]]],
  );
  const { refusedBy, acknowledgedCount } = plane.fleet.programmed(keyOfRule("a"));
  assert.deepEqual([refusedBy, acknowledgedCount], [[webInShop], 0]);
  assert.match(JSON.stringify(plane.heldObjects.newest(keyOfRule("a"))), /bad-a/);
});

test("createControlPlane() takes a refused object back when it is mended", () => {
  const { plane, put, paths } = startRefusingPlane();
  put(ruled("a", "/bad-a"));
  put(ruled("a", "/bad-again"));
  assert.deepEqual(paths(), ["/good-a", "/good-b", "/good-c"]);
  put(ruled("a", "/good-again"));
  assert.deepEqual(paths(), ["/good-again", "/good-b", "/good-c"]);
  assert.deepEqual(plane.fleet.refusals(), []);
});

test("createControlPlane() tells when an object comes to stand refused, and when it is mended, each time", () => {
  const { plane, put } = startRefusingPlane();
  const told: number[] = [];
  plane.fleet.watchRefusals(() => told.push(plane.fleet.refusals().length));
  for (const _ of ["once", "again"]) {
    put(ruled("a", "/bad-a"));
    // As it was before: nothing changes in any resource.
    put(ruled("a", "/good-a"));
  }
  assert.deepEqual(told, [1, 0, 1, 0]);
});

test("createControlPlane() doesn't offer again what was refused, though its status has changed", () => {
  const { plane, put, paths } = startRefusingPlane();
  put(ruled("a", "/bad-a"));
  const revision = () => plane.graph.commit(() => undefined).revision;
  const before = revision();
  put(`${ruled("a", "/bad-a")}status: { conditions: [] }\n`);
  assert.deepEqual(paths(), ["/good-a", "/good-b", "/good-c"]);
  assert.equal(plane.fleet.refusals().length, 1);
  assert.equal(revision(), before, "nothing was written to the graph");
});

test("createControlPlane() leaves out a refused object that has no version before", () => {
  const { put, paths } = startRefusingPlane();
  put(ruled("d", "/bad-d"));
  assert.deepEqual(paths(), ["/good-a", "/good-b", "/good-c"]);
});

test("createControlPlane() tries objects one by one that were refused together", () => {
  const { plane, put, paths } = startRefusingPlane();
  put(ruled("a", "/good-new"), ruled("b", "/bad-b"), ruled("c", "/good-newer"));
  assert.deepEqual(paths(), ["/good-b", "/good-new", "/good-newer"]);
  const blamed = plane.fleet.refusals().flatMap(({ source }) => source.map(({ object }) => object));
  assert.deepEqual(blamed, [keyOfRule("b")]);
});

test("createControlPlane() refuses a node whose certificate is of another namespace", () => {
  const { open } = startPlane();
  const names = { trustDomain: "cluster.local", namespace: "bank", serviceAccount: "default" };
  const { opening } = open(webInShop, { identity: { proof: "certificate", ...names } });
  assert.equal(opening.kind === "refused" && opening.status, "PERMISSION_DENIED");
});

test("createControlPlane() refuses a node id that isn't Istio's", () => {
  const { opening } = startPlane().open("some-envoy");
  assert.equal(opening.kind === "refused" && opening.status, "INVALID_ARGUMENT");
});
