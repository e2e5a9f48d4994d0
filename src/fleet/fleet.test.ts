import assert from "node:assert/strict";
import { it } from "node:test";
import { meshFixture, objectsOf } from "../../tests/support/mesh-fixture.ts";
import { systemClock } from "../core/clock.ts";
import { silentLogger } from "../core/logger.ts";
import { writeObject } from "../model/sources.ts";
import { declareRecognitions, type ProxyStream } from "../view/recognition.ts";
import { declareViews } from "../view/views.ts";
import type { XdsStreamHandle } from "../xds/backend.ts";
import type { ResourceReference, ResourceSet } from "../xds/resource.ts";
import { noDebugAccess } from "./debug-types.ts";
import { Fleet } from "./fleet.ts";
import type { IdentifiedClient } from "./proxy-identity.ts";
import { declareResourceTables } from "./resource-tables.ts";

const SHOP = `
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.96.0.1, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: other}
spec: {clusterIP: 10.96.0.2, ports: [{name: http, port: 80}]}
`;

const TIMEOUT = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec:
  hosts: [web]
  http: [{timeout: 3s, route: [{destination: {host: web}}]}]
`;

const PRIVATE_RULE = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: private, namespace: other}
spec: {host: web.shop.svc.cluster.local, exportTo: ["."], subsets: [{name: v1, labels: {version: v1}}]}
`;

const PORT = `
apiVersion: v1
kind: Service
metadata: {name: own, namespace: shop}
spec: {clusterIP: 10.96.0.3, selector: {app: web}, ports: [{name: http, port: 8080}]}
`;

interface Published {
  readonly set: ResourceSet;
  readonly changes: readonly ResourceReference[] | "all";
}

const debug = { ...noDebugAccess, page: async () => "" };

function fleetOf(yaml: string) {
  const { graph, sources, model } = meshFixture();
  const streams = graph.source<ProxyStream>("xds streams");
  const recognitions = declareRecognitions(graph, model, streams);
  const views = declareViews(graph, model, recognitions.proxies);
  const tables = declareResourceTables(graph, views);
  const context = { clock: systemClock, log: silentLogger, debug };
  const fleet = new Fleet({ graph, views, streams, recognitions, tables, ...context });
  const put = (text: string) => {
    const { errors } = fleet.commit((transaction) => {
      for (const object of objectsOf(text)) writeObject(transaction, sources, object);
    });
    assert.deepEqual(errors, []);
  };
  put(yaml);
  return { fleet, put, proxies: recognitions.proxies };
}

function connect(fleet: Fleet, namespace: string, name: string) {
  const published: Published[] = [];
  const stream = streamOf(published);
  const { conversation } = fleet.open(client(namespace, name), stream);
  const joining = conversation.join();
  assert.ok(!(joining instanceof Promise) && joining.kind === "joined");
  const { session } = joining;
  session.asked?.("cluster");
  return { conversation, stream, session, published, set: session.initialSet() };
}

function streamOf(published: Published[]): XdsStreamHandle {
  return {
    publish: (set, changes) => void published.push({ set, changes }),
    standing: () => "in-use",
    offerAgain: () => undefined,
    close: () => undefined,
  };
}

function client(namespace: string, name: string): IdentifiedClient {
  const id = `sidecar~10.0.0.1~${name}.${namespace}~${namespace}.svc.cluster.local`;
  return {
    nodeId: id,
    node: {
      id,
      cluster: "",
      metadata: { LABELS: { app: "web" } },
      locality: { region: "", zone: "", subZone: "" },
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
  };
}

function textOf(set: ResourceSet, name: string): string {
  return Buffer.concat(set.get("route", name)?.body ?? []).toString("latin1");
}

it("Fleet.open() gives replicas one set, and a namespace the short names of its own services", () => {
  const { fleet } = fleetOf(SHOP);
  const [first, second] = [connect(fleet, "shop", "web-1"), connect(fleet, "shop", "web-2")];
  const other = connect(fleet, "other", "web-1");
  assert.equal(first.set, second.set);
  assert.notEqual(first.set, other.set);
  assert.deepEqual([...first.set.names("cluster")].filter((name) => name.startsWith("outbound|")).sort(), [
    "outbound|80||web.other.svc.cluster.local",
    "outbound|80||web.shop.svc.cluster.local",
  ]);
  assert.notEqual(textOf(first.set, "80"), textOf(other.set, "80"));
});

it("Fleet.commit() publishes what changed to those whom it concerns, and old sets keep what they had", () => {
  const { fleet, put } = fleetOf(SHOP);
  const shop = connect(fleet, "shop", "web-1");
  const other = connect(fleet, "other", "web-1");
  const before = shop.set.get("route", "80");
  put(TIMEOUT);
  for (const { published } of [shop, other]) {
    assert.deepEqual(
      published.map(({ changes }) => changes),
      [[{ type: "route", name: "80" }]],
    );
  }
  assert.equal(shop.set.get("route", "80"), before);
  assert.notEqual(shop.published[0]?.set.get("route", "80")?.version, before?.version);
  put(PRIVATE_RULE);
  assert.equal(shop.published.length, 1);
  const subset = "outbound|80|v1|web.shop.svc.cluster.local";
  assert.ok([...(other.published[1]?.set.names("cluster") ?? [])].includes(subset));
  assert.ok(![...(other.published[0]?.set.names("cluster") ?? [])].includes(subset));
});

it("Fleet.commit() tells a proxy whose own side becomes another what differs, and little else", () => {
  const { fleet, put } = fleetOf(SHOP);
  const shop = connect(fleet, "shop", "web-1");
  const other = connect(fleet, "other", "web-1");
  const before = contentsOf(shop.set);
  put(PORT);
  const { set, changes } = shop.published.at(-1) ?? {};
  assert.ok(set !== undefined && Array.isArray(changes));
  const after = contentsOf(set);
  assert.ok(after.has("cluster inbound|8080||"));
  const told = new Set(changes.map(({ type, name }) => `${type} ${name}`));
  const differing = [...new Set([...before.keys(), ...after.keys()])].filter(
    (key) => before.get(key) !== after.get(key),
  );
  for (const key of differing) assert.ok(told.has(key), key);
  assert.ok(!told.has("cluster outbound|80||web.other.svc.cluster.local"));
  assert.ok(Array.isArray(other.published.at(-1)?.changes));
});

/** Versions by type and name. */
function contentsOf(set: ResourceSet): ReadonlyMap<string, string> {
  const types = ["cluster", "endpoint", "listener", "route"] as const;
  const entries = types.flatMap((type) =>
    [...set.names(type)].map((name) => [`${type} ${name}`, set.get(type, name)?.version ?? ""] as const),
  );
  return new Map(entries);
}

it("Fleet counts a proxy once, by its newest stream, and forgets each stream with its end", () => {
  const { fleet, proxies } = fleetOf(SHOP);
  const first = connect(fleet, "shop", "web-1");
  const again = connect(fleet, "shop", "web-1");
  const counted = () => [...fleet.sessions()].map(({ stream }) => stream);
  assert.deepEqual(counted(), [again.stream]);
  again.conversation.closed();
  assert.deepEqual(counted(), [first.stream]);
  assert.equal(proxies.size, 1);
  first.conversation.closed();
  assert.deepEqual(counted(), []);
  assert.equal(proxies.size, 0);
});

it("Fleet makes no row of a stream that asks for no resource, and counts none that asks for names alone", () => {
  const { fleet, proxies } = fleetOf(SHOP);
  const { conversation } = fleet.open(client("shop", "web-1"), streamOf([]));
  assert.equal(proxies.size, 0);
  const joining = conversation.join();
  assert.ok(!(joining instanceof Promise) && joining.kind === "joined");
  joining.session.asked?.("name-table");
  assert.deepEqual([...fleet.sessions()], []);
  conversation.closed();
  assert.equal(proxies.size, 0);
});
