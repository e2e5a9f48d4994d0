import assert from "node:assert/strict";
import { test } from "node:test";
import { isRefusedPolicy, parseForMesh } from "./refused-policy.ts";

const WEB = { selector: { matchLabels: { app: "web" } } };
const GATEWAY = { group: "gateway.networking.k8s.io", kind: "Gateway", name: "edge" };

function standInOf(spec: unknown, metadata: object = {}, kind = "AuthorizationPolicy") {
  const whole = { name: "p", namespace: "shop", ...metadata };
  return parseForMesh({ apiVersion: "security.istio.io/v1", kind, metadata: whole, spec }).standIn;
}

const broken = { rules: [{ to: [{ operation: { ports: ["http"] } }] }] };

for (const [name, spec, choice] of [
  ["workloads by their labels", { ...WEB, ...broken }, WEB],
  ["a target", { targetRef: GATEWAY, ...broken }, { targetRef: GATEWAY }],
  ["targets", { targetRefs: [GATEWAY], action: "DENIED" }, { targetRefs: [GATEWAY] }],
  ["its namespace where it says nothing else", broken, {}],
  [
    "its namespace where a field of the selector isn't known",
    { selector: { matchLabel: { app: "web" } } },
    {},
  ],
  ["its namespace where a field isn't known", { slector: WEB.selector }, {}],
  ["its namespace where the selector is of another type", { selector: [WEB] }, {}],
  ["its namespace where a label can't be one", { selector: { matchLabels: { app: "not a label" } } }, {}],
  ["its namespace where it has two choices", { ...WEB, targetRef: GATEWAY }, {}],
  ["its namespace where the spec is of another type", "DENY", {}],
] as const) {
  test(`parseForMesh() closes for a policy with errors ${name}`, () => {
    const standIn = standInOf(spec);
    assert.ok(standIn !== undefined && isRefusedPolicy(standIn));
    assert.deepEqual(standIn.spec, { ...choice, action: "DENY", rules: [{}] });
    assert.deepEqual(standIn.metadata, { name: "p", namespace: "shop" });
  });
}

test("parseForMesh() closes for a policy whose metadata has errors", () => {
  assert.ok(standInOf({ rules: [{}] }, { name: "Not_A_Name" }));
  assert.ok(standInOf({ rules: [{}] }, { labels: { "not a label": "x" } }));
  assert.equal(
    standInOf({ rules: [{}] }, { namespace: undefined, labels: 1 })?.metadata.namespace,
    "default",
  );
});

test("parseForMesh() closes nothing for what decides nothing, has no errors, or is of another kind", () => {
  assert.equal(standInOf({ ...broken, action: "AUDIT" }), undefined);
  assert.equal(standInOf(broken, { annotations: { "istio.io/dry-run": "true" } }), undefined);
  assert.ok(standInOf(broken, { annotations: { "istio.io/dry-run": "false" } }));
  assert.equal(standInOf({ rules: [{}] }), undefined);
  assert.equal(standInOf({ jwtRules: [{}] }, {}, "RequestAuthentication"), undefined);
});

test("parseForMesh() lets nobody write what stands for a policy with errors", () => {
  const { object, findings } = parseForMesh({
    apiVersion: "security.istio.io/v1",
    kind: "AuthorizationPolicy",
    metadata: { name: "p", namespace: "shop" },
    isRefused: true,
  });
  assert.equal(object, undefined);
  assert.equal(findings[0]?.code, "MLT1003");
});
