import assert from "node:assert/strict";
import { test } from "node:test";
import { objectKey } from "../core/object-key.ts";
import { programmedReport } from "./programmed-report.ts";

const object = objectKey({ kind: "VirtualService", namespace: "shop", name: "reviews" });
const nodeIdOf = (name: string) => `sidecar~10.0.0.7~${name}~shop.svc.cluster.local`;
const refusal = (name: string, ...details: readonly string[]) => ({
  nodeId: nodeIdOf(name),
  refused: details.map((detail) => ({ type: "route" as const, name: "80", detail, provenance: [] })),
});
const reportOf = (refusals: readonly ReturnType<typeof refusal>[], awaited: readonly string[] = []) =>
  programmedReport(
    { programmed: () => ({ proxyCount: 4, acknowledgedCount: 1, refusals, awaited }) },
    object,
    undefined,
  );

test("programmedReport() names proxies as their pods are, also a client whose id isn't of Istio's form", () => {
  assert.deepEqual(reportOf([], [nodeIdOf("web-1.shop"), "probe"]), {
    object,
    proxyCount: 4,
    acknowledgedCount: 1,
    awaited: ["web-1.shop", "probe"],
    refusedBy: [],
    reasons: [],
  });
});

test("programmedReport() says once what several proxies refuse, and who they are", () => {
  const { refusedBy, reasons } = reportOf([refusal("web-2.shop", "no"), refusal("web-1.shop", "no")]);
  assert.deepEqual(refusedBy, ["web-2.shop", "web-1.shop"]);
  assert.deepEqual(reasons, [{ message: 'route "80": no', proxies: ["web-1.shop", "web-2.shop"] }]);
});

test("programmedReport() gives at most 20 reasons, whatever a proxy says", () => {
  const details = Array.from({ length: 30 }, (_, at) => `reason ${at}`);
  assert.equal(reportOf([refusal("web-1.shop", ...details)]).reasons.length, 20);
});

test("programmedReport() has the object in force where there is one", () => {
  const inForce = {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name: "reviews", namespace: "shop" },
  };
  const fleet = {
    programmed: () => ({ proxyCount: 0, acknowledgedCount: 0, refusals: [], awaited: [] }),
  };
  assert.equal(programmedReport(fleet, object, inForce).inForce, inForce);
  assert.equal("inForce" in programmedReport(fleet, object, undefined), false);
});
