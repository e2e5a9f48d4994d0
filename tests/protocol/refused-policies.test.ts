// Policies that pass every check of ours and that a real Envoy refuses, by traffic: one with a last good version keeps
// it, one without closes its workload, and nothing of it closes a connection or keeps a listener from its changes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { refusalProblems } from "../../src/admin/fleet-report.ts";
import { eventually } from "../e2e/mesh/eventually.ts";
import { findEnvoy } from "./envoy-process.ts";
import { type GatewayUnderPlane, startGateway } from "./gateway-under-plane.ts";
import { until } from "./plane-under-test.ts";

const skip = findEnvoy() === undefined ? "no Envoy: set MELTEMI_ENVOY" : false;

interface PolicyText {
  readonly name?: string;
  readonly action?: "ALLOW" | "DENY" | "AUDIT";
  /** Absent: everything. */
  readonly path?: string;
  /** Of the gateway; absent: all. */
  readonly port?: number;
  /** Its regular expression is larger than what Envoy takes. */
  readonly isBad?: true;
}

function policy({ name = "paths", action = "DENY", path, port, isBad }: PolicyText): string {
  const from = isBad ? `from: [{ source: { principals: ["*${"x".repeat(40_000)}"] } }], ` : "";
  const paths = path === undefined ? "" : `paths: ["${path}"], `;
  const to = `to: [{ operation: { ${paths}ports: [${port === undefined ? "" : `"${port}"`}] } }]`;
  return `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: ${name}, namespace: shop }
spec: { action: ${action}, rules: [{ ${from}${to} }] }
`;
}

/** Each once: a policy fills slots of requests and of connections. */
const problemsOf = ({ plane }: GatewayUnderPlane) => [
  ...new Set(refusalProblems(plane.fleet, () => undefined).map(({ code, object }) => `${code} ${object}`)),
];

async function untilProblem(gateway: GatewayUnderPlane, object: string): Promise<void> {
  await until(
    () => `told that ${object} is refused: ${problemsOf(gateway)}`,
    () => problemsOf(gateway).includes(`MLT4101 ${object}`),
  );
}

const untilStatus = (gateway: GatewayUnderPlane, path: string, expected: number) =>
  eventually(async () => assert.equal(await gateway.status(path), expected));

/** A change of the gateway's listeners. */
const MERGED_SLASHES = `
kind: MeshConfig
metadata: { name: mesh }
spec: { pathNormalization: { normalization: MERGE_SLASHES } }
`;

test("a policy that Envoy refuses keeps its last good version, also through a change of the listener", {
  skip,
}, async (t) => {
  const closing = (path: string, isBad?: true) => (port: number) => [
    policy({ path, port, ...(isBad && { isBad }) }),
  ];
  const gateway = await startGateway(t, ({ httpPort }) => closing("/closed")(httpPort));
  const held = await gateway.hold();
  const stillCloses = async () => {
    assert.deepEqual([await gateway.status("/"), await gateway.status("/closed")], [200, 403]);
    assert.deepEqual(problemsOf(gateway), ["MLT4101 AuthorizationPolicy/shop/paths"]);
  };
  assert.deepEqual([await held.status("/"), await held.status("/closed")], [200, 403]);
  gateway.apply(...closing("/closed", true)(gateway.httpPort));
  await untilProblem(gateway, "AuthorizationPolicy/shop/paths");
  await stillCloses();
  assert.deepEqual([await held.status("/"), await held.status("/closed")], [200, 403]);
  assert.deepEqual(await held.closed(), []);
  assert.doesNotMatch(await gateway.listenerText(), /"merge_slashes": true/);
  gateway.apply(MERGED_SLASHES);
  await eventually(async () => assert.match(await gateway.listenerText(), /"merge_slashes": true/));
  await stillCloses();
  gateway.apply(...closing("/closed-now")(gateway.httpPort));
  await untilStatus(gateway, "/closed-now", 403);
  assert.equal(await gateway.status("/closed"), 200);
  assert.deepEqual(problemsOf(gateway), []);
});

test("a policy without a last good version closes the workload under its name until it is mended", {
  skip,
}, async (t) => {
  const gateway = await startGateway(t);
  const held = await gateway.hold();
  assert.equal(await held.status("/"), 200);
  gateway.apply(policy({ isBad: true }));
  await untilStatus(gateway, "/", 403);
  await eventually(async () => assert.equal(await gateway.isEchoed(), false));
  assert.equal(await held.status("/"), 403);
  await eventually(async () => {
    const log = await gateway.accessLog();
    assert.equal(log.match(/"GET [^\n]*rbac_access_denied_matched_policy\[refused-shop-paths\]/g)?.length, 2);
    assert.match(log, /"- - -"[^\n]*rbac_access_denied_matched_policy\[refused-shop-paths\]/);
  });
  assert.deepEqual(problemsOf(gateway), ["MLT4101 AuthorizationPolicy/shop/paths"]);
  gateway.apply(policy({ path: "/closed", port: gateway.httpPort }));
  await untilStatus(gateway, "/", 200);
  assert.equal(await gateway.status("/closed"), 403);
  await eventually(async () => assert.equal(await gateway.isEchoed(), true));
  assert.equal(await held.status("/"), 200);
  assert.deepEqual(await held.closed(), []);
  assert.deepEqual(problemsOf(gateway), []);
});

test("an Envoy that starts while a policy is bad is live, and closed until the policy is mended", {
  skip,
}, async (t) => {
  const gateway = await startGateway(t, () => [policy({ isBad: true })]);
  await untilStatus(gateway, "/", 403);
  assert.equal(await gateway.isEchoed(), false);
  gateway.apply(policy({ path: "/closed", port: gateway.httpPort }));
  await untilStatus(gateway, "/", 200);
  await eventually(async () => assert.equal(await gateway.isEchoed(), true));
});

test("a bad policy beside a good one closes too, and one that decides nothing doesn't", {
  skip,
}, async (t) => {
  const gateway = await startGateway(t, ({ httpPort }) => [policy({ path: "/closed", port: httpPort })]);
  const held = await gateway.hold();
  const { httpPort: port } = gateway;
  gateway.apply(policy({ name: "audit", action: "AUDIT", port, isBad: true }));
  await untilProblem(gateway, "AuthorizationPolicy/shop/audit");
  assert.deepEqual([await held.status("/"), await held.status("/closed")], [200, 403]);
  gateway.apply(policy({ name: "audit", action: "AUDIT", port }));
  await until(
    () => "took the audit",
    () => problemsOf(gateway).length === 0,
  );
  gateway.apply(policy({ name: "other", port, isBad: true }));
  await untilStatus(gateway, "/", 403);
  await eventually(async () => assert.match(await gateway.accessLog(), /\[refused-shop-other\]/));
  gateway.apply(policy({ name: "other", path: "/other", port }));
  await untilStatus(gateway, "/", 200);
  assert.deepEqual([await held.status("/other"), await held.status("/closed")], [403, 403]);
  assert.deepEqual(await held.closed(), []);
});
