import assert from "node:assert/strict";
import { test } from "node:test";
import { combineReports, replicaReport } from "./combined-report.ts";
import type { ProgrammedReport } from "./contract/control-plane.ts";

const object = "VirtualService/shop/reviews";
const inForce = {
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name: "reviews", namespace: "shop", generation: 2 },
};
const own: ProgrammedReport = {
  object,
  inForce,
  proxyCount: 2,
  acknowledgedCount: 1,
  awaited: ["web.shop"],
  refusedBy: [],
  reasons: [],
};

test("combineReports() of no other replica is the replica's own", () => {
  assert.deepEqual(combineReports(own, []), own);
});

test("combineReports() sums up the proxies of all replicas, and says once what several refuse", () => {
  const refusing = {
    ...own,
    awaited: [],
    refusedBy: ["cart.shop"],
    reasons: [{ message: "bad", proxies: ["cart.shop"] }],
  };
  const others = ["b", "c"].map((replica) => ({ replica, report: replicaReport(refusing) }));
  assert.deepEqual(combineReports(own, others), {
    ...own,
    proxyCount: 6,
    acknowledgedCount: 3,
    refusedBy: ["cart.shop", "cart.shop"],
    reasons: [{ message: "bad", proxies: ["cart.shop"] }],
  });
});

test("combineReports() awaits a replica that is at another generation", () => {
  const report = { ...replicaReport(own), acknowledgedCount: 2, awaited: [], generation: 1 };
  const { proxyCount, acknowledgedCount, awaited } = combineReports(own, [{ replica: "b", report }]);
  assert.deepEqual([proxyCount, acknowledgedCount, awaited], [4, 1, ["web.shop", "b"]]);
});

test("replicaReport() tells the generation in the object's place", () => {
  const { generation, ...report } = replicaReport(own);
  assert.equal(generation, 2);
  assert.ok(!("inForce" in report));
});
