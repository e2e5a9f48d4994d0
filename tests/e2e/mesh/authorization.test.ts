// Who may call whom, by AuthorizationPolicies: live, on open connections too, and without closing one.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { holdStreams } from "../lifecycle/long-streams.ts";
import { proxyCounters } from "../lifecycle/proxy-state.ts";
import { eventually } from "./eventually.ts";
import type { PodClient } from "./pod-client.ts";
import type { RunningMesh } from "./running-mesh.ts";
import { skipWithoutMesh as skip, startMesh } from "./running-mesh.ts";

// Its server speaks first.
const BANNER = `
apiVersion: v1
kind: Service
metadata: {name: banner, namespace: test}
spec:
  selector: {app: echo}
  ports: [{name: tcp-banner, port: 9001}]
`;
const BANNER_PORT = `to: [{operation: {ports: ["9001"]}}]`;
const PLAINTEXT_BANNER = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: echo, namespace: test}
spec:
  selector: {matchLabels: {app: echo}}
  portLevelMtls: {9001: {mode: DISABLE}}
`;
const NONE = `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: elsewhere, namespace: other}
spec: {action: DENY, rules: [{}]}
`;

// Calls go to the two pods behind the service at random: one that differs is met by one of so many.
const BOTH_PODS = 10;

let mesh: RunningMesh;
let client: PodClient;
let second: PodClient;
let legacy: PodClient;

before(
  async () => {
    if (skip !== false) return;
    mesh = await startMesh({
      manifests: ["legacy.yaml", "second-client.yaml"],
      files: { "banner.yaml": BANNER, "policy.yaml": NONE },
    });
    [client, second, legacy] = await Promise.all([
      mesh.client("client"),
      mesh.client("client-two"),
      mesh.client("legacy"),
    ]);
  },
  { timeout: 120_000 },
);
after(() => mesh?.close());
beforeEach(async () => {
  if (skip !== false) return;
  await mesh.save("policy.yaml", NONE);
  await untilStatus(second, "/", 200);
});

/** A policy for the workload `echo`, and perhaps another. */
function policies(...specs: readonly string[]): Promise<void> {
  const documents = specs.map(
    (spec, at) => `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: echo-${at}, namespace: test}
spec:
  selector: {matchLabels: {app: echo}}
  ${spec}
`,
  );
  return mesh.save("policy.yaml", documents.join("---"));
}

async function status(caller: PodClient, path: string, method = "GET"): Promise<number> {
  return (await caller.request({ url: `http://echo${path}`, method })).status;
}

/** Until both pods behind the service answer so: its answers come from one and the other. */
function untilStatus(caller: PodClient, path: string, expected: number, method = "GET"): Promise<void> {
  return eventually(async () => {
    for (let request = 0; request < 8; request += 1)
      assert.equal(await status(caller, path, method), expected);
  });
}

async function greeting(caller: PodClient): Promise<string> {
  return (await caller.tcp({ host: "banner", port: 9001, until: "hello", timeoutMs: 3_000 })).received;
}

async function untilGreeted(caller: PodClient): Promise<void> {
  await eventually(async () => assert.match(await greeting(caller), /^hello/));
}

test("an ALLOW lets in whom it names, by the identity of the caller's certificate", { skip }, async () => {
  await policies(`rules: [{from: [{source: {principals: ["cluster.local/ns/test/sa/client"]}}]}]`);
  await untilStatus(second, "/", 403);
  const refused = await second.request({ url: "http://echo/" });
  assert.equal(refused.body, "RBAC: access denied");
  assert.equal(await status(client, "/"), 200);
  assert.equal(await status(legacy, "/"), 403);
});

test("a DENY stands over an ALLOW, for the requests that it names", { skip }, async () => {
  await policies(
    "rules: [{}]",
    `action: DENY\n  rules: [{to: [{operation: {paths: ["/admin*"], notMethods: [GET]}}]}]`,
  );
  await untilStatus(client, "/admin/x", 403, "POST");
  assert.equal(await status(client, "/admin/x"), 200);
  assert.equal(await status(client, "/x", "POST"), 200);
});

test("a policy without rules lets nobody in, and one of another namespace is nobody's here", {
  skip,
}, async () => {
  assert.equal(await status(client, "/"), 200);
  await policies("action: ALLOW");
  await untilStatus(client, "/", 403);
});

test("a server that speaks first says nothing to whom it may not", { skip }, async () => {
  for (const caller of [client, second]) await untilGreeted(caller);
  await policies(
    `action: DENY\n  rules: [{from: [{source: {notPrincipals: ["cluster.local/ns/test/sa/client"]}}], ${BANNER_PORT}}]`,
  );
  await eventually(async () => assert.equal(await greeting(second), ""));
  assert.match(await greeting(client), /^hello/);
  assert.equal(await status(second, "/"), 200);
});

test("without mTLS it says nothing to whom it may not by the address", { skip }, async () => {
  await mesh.save("plaintext.yaml", PLAINTEXT_BANNER);
  for (const caller of [client, legacy]) await untilGreeted(caller);
  const address = (await mesh.pods("legacy"))[0]?.ip;
  await policies(`action: DENY\n  rules: [{from: [{source: {ipBlocks: ["${address}"]}}], ${BANNER_PORT}}]`);
  await eventually(async () => assert.equal(await greeting(legacy), ""));
  assert.match(await greeting(client), /^hello/);
  await mesh.remove("plaintext.yaml");
});

test("a policy with errors closes its workloads until it is fixed, and later edits with errors change nothing", {
  skip,
}, async () => {
  const save = (rules: string) =>
    mesh.save(
      "fixed.yaml",
      `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: fixed, namespace: test}
spec: {selector: {matchLabels: {app: echo}}, action: DENY, rules: [{to: [{operation: ${rules}}]}]}
`,
    );
  await untilGreeted(client);
  await save("{ports: [http]}");
  await untilStatus(client, "/", 403);
  await eventually(async () => assert.equal(await greeting(client), ""));
  await save("{paths: [/no]}");
  await untilStatus(client, "/", 200);
  await untilStatus(client, "/no", 403);
  await save("{paths: [/no], prots: []}");
  await policies(`action: DENY\n  rules: [{to: [{operation: {paths: [/never]}}]}]`);
  await untilStatus(client, "/never", 403);
  assert.deepEqual([await status(client, "/"), await status(client, "/no")], [200, 403]);
  await mesh.remove("fixed.yaml");
});

test("edits of policies hold on open connections, and close none", { skip }, async () => {
  const replaced = async () =>
    (await proxyCounters(mesh, "echo-v1"))["listener_manager.listener_in_place_updated"];
  const before = await replaced();
  const edited = (edit: number) =>
    policies(`action: DENY\n  rules: [{to: [{operation: {ports: ["8080"], paths: ["/edit-${edit}"]}}]}]`);
  await edited(-1);
  // What was there before refuses connections: it says paths alone.
  await eventually(async () => {
    for (let call = 0; call < BOTH_PODS; call += 1) assert.match(await greeting(client), /^hello/);
  });
  const streams = await holdStreams(mesh, "client", "echo");
  const load = await client.load({ url: "http://echo/", connections: 2, pauseMs: 5 });
  for (let edit = 0; edit < 20; edit += 1) {
    await edited(edit);
    await untilStatus(client, `/edit-${edit}`, 403);
    if (edit > 0) assert.equal(await status(client, `/edit-${edit - 1}`), 200);
  }
  await mesh.save("policy.yaml", NONE);
  await untilStatus(client, "/edit-19", 200);
  const { failures, total } = await load.stop();
  assert.deepEqual(failures, []);
  assert.ok(total > 100, `${total} requests`);
  for (const [kind, { count, error }] of Object.entries(await streams.stop())) {
    assert.equal(error, undefined, `${kind}: ${error}`);
    assert.ok(count > 10, `${kind}: ${count} answers`);
  }
  assert.ok(before !== undefined);
  assert.equal(await replaced(), before);
});
