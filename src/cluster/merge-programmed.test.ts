import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProgrammedReport } from "../admin/contract/control-plane.ts";
import type { KubernetesObject } from "../kinds/define-kind.ts";
import { mergeProgrammed } from "./merge-programmed.ts";

const reviews: KubernetesObject = {
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name: "reviews", namespace: "shop", uid: "u1", generation: 2, resourceVersion: "77" },
  spec: { hosts: ["reviews"] },
};

function report(inForce: KubernetesObject | undefined, changes: Partial<ProgrammedReport> = {}) {
  return {
    object: "VirtualService/shop/reviews",
    ...(inForce && { inForce }),
    proxyCount: 2,
    acknowledgedCount: 2,
    awaited: [],
    refusedBy: [],
    reasons: [],
    ...changes,
  };
}

const withMeta = (object: KubernetesObject, metadata: object) => ({
  ...object,
  metadata: { ...object.metadata, ...metadata },
});

test("mergeProgrammed() adds up what replicas say of their own proxies", () => {
  const refusal = { refusedBy: ["b.shop"], reasons: [{ message: "no", proxies: ["b.shop"] }] };
  const merged = mergeProgrammed(reviews, [
    report(reviews, { acknowledgedCount: 1, awaited: ["a.shop"] }),
    report(reviews, { proxyCount: 3, acknowledgedCount: 2, ...refusal }),
    report(reviews, {
      proxyCount: 0,
      acknowledgedCount: 0,
      reasons: [{ message: "no", proxies: ["a.shop"] }],
    }),
  ]);
  assert.deepEqual(merged, {
    isInForce: true,
    proxyCount: 5,
    acknowledgedCount: 3,
    awaited: ["a.shop"],
    refusedBy: ["b.shop"],
    reasons: [{ message: "no", proxies: ["a.shop", "b.shop"] }],
  });
});

test("mergeProgrammed() asks each replica for this generation of this object", () => {
  const isInForce = (...objects: readonly (KubernetesObject | undefined)[]) =>
    mergeProgrammed(
      reviews,
      objects.map((object) => report(object)),
    ).isInForce;
  const asKept = withMeta(reviews, { resourceVersion: undefined, generation: "2" });
  assert.equal(isInForce(asKept, reviews), true);
  assert.equal(isInForce(asKept, withMeta(reviews, { generation: 1 })), false);
  assert.equal(isInForce(withMeta(reviews, { uid: "u0" })), false);
  assert.equal(isInForce(reviews, undefined), false);
});

test("mergeProgrammed() compares what is kept of an object without a generation", () => {
  const service: KubernetesObject = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "reviews", namespace: "shop", uid: "u1", resourceVersion: "9" },
    spec: { ports: [{ port: 80, protocol: "TCP" }], clusterIP: "10.96.0.7", sessionAffinity: "None" },
  };
  const kept = (port: number, more: readonly object[] = []): KubernetesObject => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "reviews", namespace: "shop" },
    spec: { ports: [{ port }, ...more] },
  });
  assert.equal(mergeProgrammed(service, [report(kept(80))]).isInForce, true);
  assert.equal(mergeProgrammed(service, [report(kept(81))]).isInForce, false);
  assert.equal(mergeProgrammed(service, [report(kept(80, [{ port: 81 }]))]).isInForce, false);
});
