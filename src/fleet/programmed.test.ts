import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { meshFixture, objectsOf } from "../../tests/support/mesh-fixture.ts";
import { systemClock } from "../core/clock.ts";
import { silentLogger } from "../core/logger.ts";
import { objectKey } from "../core/object-key.ts";
import { writeObject } from "../model/sources.ts";
import { declareRecognitions, type ProxyStream } from "../view/recognition.ts";
import { declareViews } from "../view/views.ts";
import type { Standing } from "../xds/backend.ts";
import type { ResourceReference } from "../xds/resource.ts";
import { noDebugAccess } from "./debug-types.ts";
import { Fleet } from "./fleet.ts";
import { declareResourceTables } from "./resource-tables.ts";

const WEB = objectKey({ kind: "VirtualService", namespace: "shop", name: "web" });
const HIDDEN = objectKey({ kind: "DestinationRule", namespace: "shop", name: "web" });

// The route table of port 80 and the cluster: what is made of each of the two objects.
const MESH = `
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { clusterIP: 10.96.0.1, ports: [{ name: http, port: 80 }] }
---
apiVersion: v1
kind: Service
metadata: { name: other, namespace: shop }
spec: { clusterIP: 10.96.0.2, ports: [{ name: http, port: 80 }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: web, namespace: shop }
spec: { hosts: [web], http: [{ timeout: 3s, route: [{ destination: { host: web } }] }] }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: web, namespace: shop }
spec: { host: web, exportTo: ["."], subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }] }
`;

function fleetOf() {
  const { graph, sources, model } = meshFixture();
  const streams = graph.source<ProxyStream>("xds streams");
  const recognitions = declareRecognitions(graph, model, streams);
  const views = declareViews(graph, model, recognitions.proxies);
  const tables = declareResourceTables(graph, views);
  const context = {
    clock: systemClock,
    log: silentLogger,
    debug: { ...noDebugAccess, page: async () => "" },
  };
  const fleet = new Fleet({ graph, views, streams, recognitions, tables, ...context });
  const { errors } = fleet.commit((transaction) => {
    for (const object of objectsOf(MESH)) writeObject(transaction, sources, object);
  });
  assert.deepEqual(errors, []);
  return fleet;
}

/** A proxy that is as far with each resource as `standing` says; returns what ends its stream. */
function connect(
  fleet: Fleet,
  name: string,
  standing: (reference: ResourceReference) => Standing,
): {
  readonly nodeId: string;
  readonly refuse: (cluster: string, detail: string) => void;
  readonly close: () => void;
} {
  const [pod = "", namespace = ""] = name.split(".");
  const nodeId = `sidecar~10.0.0.1~${pod}.${namespace}~${namespace}.svc.cluster.local`;
  const node = {
    id: nodeId,
    cluster: "",
    metadata: {},
    locality: { region: "", zone: "", subZone: "" },
    userAgentName: "envoy",
    userAgentVersion: "1.40.0",
  };
  const { conversation } = fleet.open(
    {
      nodeId,
      node,
      peer: undefined,
      owner: undefined,
      identity: { proof: "none" },
      protocol: "delta",
      remoteAddress: "10.0.0.1",
      servesSecrets: false,
      metadata: () => undefined,
    },
    { publish: () => undefined, standing, offerAgain: () => undefined, close: () => undefined },
  );
  const joining = conversation.join();
  assert.ok(!(joining instanceof Promise) && joining.kind === "joined");
  joining.session.asked?.("cluster");
  const { session } = joining;
  const refuse = (cluster: string, detail: string) => {
    const resource = session.initialSet().get("cluster", cluster);
    assert.ok(resource !== undefined, cluster);
    const { name, version } = resource;
    const refused = [{ resource, inUse: "nothing" as const }];
    session.rejected("cluster", { resources: [{ name, version }], refused, detail });
  };
  return { nodeId, refuse, close: conversation.closed };
}

const always = (standing: Standing) => () => standing;

describe("Fleet.programmed()", () => {
  test("counts proxies by how far they are with what was made of an object", () => {
    const fleet = fleetOf();
    connect(fleet, "a.shop", always("in-use"));
    connect(fleet, "b.shop", always("in-use"));
    const awaited = connect(fleet, "c.shop", always("on-its-way"));
    const refusing = connect(fleet, "d.shop", always("refused"));
    connect(fleet, "e.shop", always("unwanted"));
    assert.deepEqual(fleet.programmed(WEB), {
      proxyCount: 4,
      acknowledgedCount: 2,
      refusals: [{ nodeId: refusing.nodeId, refused: [] }],
      awaited: [awaited.nodeId],
    });
  });

  test("takes the worst of all that was made of the object, whatever comes first", () => {
    const byName = (worst: Standing, isWorst: (name: string) => boolean) => {
      const fleet = fleetOf();
      const { nodeId } = connect(fleet, "a.shop", ({ name }) => (isWorst(name) ? worst : "in-use"));
      const { acknowledgedCount, refusals, awaited } = fleet.programmed(HIDDEN);
      return { acknowledgedCount, refused: refusals[0]?.nodeId === nodeId, awaited: awaited[0] === nodeId };
    };
    for (const subset of ["|v1|", "|v2|"]) {
      const isOne = (name: string) => name.includes(subset);
      assert.deepEqual(byName("on-its-way", isOne), { acknowledgedCount: 0, refused: false, awaited: true });
      assert.deepEqual(byName("refused", isOne), { acknowledgedCount: 0, refused: true, awaited: false });
      assert.deepEqual(byName("unwanted", isOne), { acknowledgedCount: 1, refused: false, awaited: false });
    }
  });

  test("concerns nobody whose own layer has other resources of those names, or none", () => {
    const fleet = fleetOf();
    connect(fleet, "a.shop", always("in-use"));
    // The rule is for its own namespace: others have the Service's clusters without it.
    connect(fleet, "a.other", always("in-use"));
    assert.equal(fleet.programmed(HIDDEN).proxyCount, 1);
    assert.equal(fleet.programmed(WEB).proxyCount, 2);
    const nothing = objectKey({ kind: "VirtualService", namespace: "shop", name: "none" });
    assert.deepEqual(fleet.programmed(nothing), {
      proxyCount: 0,
      acknowledgedCount: 0,
      refusals: [],
      awaited: [],
    });
  });

  test("tells what a proxy refuses of the object, in its words, and nothing of what others made", () => {
    const fleet = fleetOf();
    const isRefused = ({ name }: ResourceReference) => name.includes("web.shop");
    const { nodeId, refuse } = connect(fleet, "a.shop", (each) => (isRefused(each) ? "refused" : "in-use"));
    const ofSubset = "outbound|80|v1|web.shop.svc.cluster.local";
    refuse(ofSubset, "no such policy");
    refuse("outbound|80||other.shop.svc.cluster.local", "something else");
    const [refusal, ...others] = fleet.programmed(HIDDEN).refusals;
    assert.deepEqual(others, []);
    assert.equal(refusal?.nodeId, nodeId);
    assert.deepEqual(
      refusal?.refused.map(({ type, name, detail }) => ({ type, name, detail })),
      [{ type: "cluster", name: ofSubset, detail: "no such policy" }],
    );
  });

  test("forgets a proxy that has gone", () => {
    const fleet = fleetOf();
    const { close } = connect(fleet, "a.shop", always("in-use"));
    assert.equal(fleet.programmed(WEB).proxyCount, 1);
    close();
    assert.equal(fleet.programmed(WEB).proxyCount, 0);
  });
});
