// The whole street in one process: objects go in, and what each stream is given comes out.

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { objectsOf } from "../../tests/support/mesh-fixture.ts";
import { ManualClock } from "../core/clock.ts";
import { silentLogger } from "../core/logger.ts";
import type { IdentifiedClient } from "../fleet/proxy-identity.ts";
import { RecordingRead } from "../graph/read.ts";
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
    const { conversation } = plane.fleet.open(clientOf(nodeId, rest), {
      publish: (next, changes) => {
        set = next;
        published.push(changes);
      },
      standing: () => "in-use",
      offerAgain: () => undefined,
      close: () => undefined,
    });
    const opening = conversation.join();
    assert.ok(!(opening instanceof Promise));
    if (opening.kind === "refused") return { opening, published, set: () => set };
    const { session } = opening;
    session.asked?.("cluster");
    set = session.initialSet();
    return { opening, session: session as XdsSession, published, set: () => set };
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

/** How often row functions read when one VirtualService changes. */
function readsOfOneChange(serviceCount: number): number {
  const { apply, open } = startPlane();
  const others = Array.from(
    { length: serviceCount },
    (_, index) => `
apiVersion: v1
kind: Service
metadata: { name: other-${index}, namespace: shop }
spec: { clusterIP: 10.97.${index >> 8}.${index & 255}, ports: [{ name: http, port: 9080 }] }
`,
  );
  apply([mesh, ...others].join("---"));
  open(webInShop);
  apply(virtualService("ledger.bank.svc.cluster.local"));
  const reads = (["get", "one", "find", "all"] as const).map((name) =>
    mock.method(RecordingRead.prototype, name),
  );
  apply(virtualService("reviews"));
  const count = reads.reduce((sum, { mock: calls }) => sum + calls.callCount(), 0);
  for (const { mock: calls } of reads) calls.restore();
  return count;
}

test("createControlPlane() reads no more for a changed VirtualService where there are more services", () => {
  const small = readsOfOneChange(50);
  const large = readsOfOneChange(400);
  assert.ok(small > 0);
  // Virtual hosts are encoded by the few dozen, so the numbers differ a little.
  assert.ok(large < small + 200, `${small} reads among 50 services, ${large} among 400`);
});
