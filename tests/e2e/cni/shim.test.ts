// The CNI plugin from the runtime's call to the rules in a pod's network namespace, and what becomes of pods when its
// DaemonSet is gone.

import assert from "node:assert/strict";
import { mkdtemp, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { openChainedConfiguration } from "../../../src/cni/chained-configuration.ts";
import { SHIM_NAME } from "../../../src/cni/network-configuration.ts";
import { findPodNamespace } from "../../../src/cni/pod-namespace.ts";
import { capturePod, type ShimServerOptions, startShimServer } from "../../../src/cni/shim-server.ts";
import { silentLogger } from "../../../src/core/logger.ts";
import { injectPod } from "../../../src/inject/inject-pod.ts";
import type { InjectablePod } from "../../../src/inject/injectable-pod.ts";
import { defaultInjectionSettings } from "../../../src/inject/injection-settings.ts";
import { type NodeUnderTest, nodeSkip, type PodNamespace, startNode } from "./node-under-test.ts";

const skip = nodeSkip;

function pod(annotations: Readonly<Record<string, string>> = {}): InjectablePod {
  const spec = { containers: [{ name: "app", image: "shop/reviews" }] };
  const metadata = { name: "reviews", namespace: "shop", annotations };
  const injection = injectPod({ metadata, spec }, undefined, { ...defaultInjectionSettings, capture: "cni" });
  assert.ok(injection.kind === "injected");
  return injection.pod;
}

/** As no injection of ours writes it. */
function withArgument(given: InjectablePod, { from, to }: { from: string; to: string }): InjectablePod {
  const initContainers = (given.spec.initContainers ?? []).map((container) => ({
    ...container,
    args: (container.args ?? []).map((arg) => (arg === from ? to : arg)),
  }));
  return { ...given, spec: { ...given.spec, initContainers } };
}

const podsByName: Readonly<Record<string, InjectablePod>> = {
  "shop/reviews": pod(),
  "shop/broken": withArgument(pod(), { from: "15090,15021,15020", to: "http" }),
  "shop/plain": { metadata: { name: "plain", namespace: "shop" }, spec: { containers: [{ name: "app" }] } },
};

async function startChained(t: TestContext) {
  const node = await startNode(t);
  await writeFile(node.meshNamespacesFile, "shop\n");
  const plugin = {
    type: SHIM_NAME,
    socket: node.socketPath,
    meshNamespacesFile: node.meshNamespacesFile,
  };
  const chained = await openChainedConfiguration({ directory: node.netDirectory, plugin, log: silentLogger });
  t.after(() => chained.close());
  return { node, chained };
}

type GetPod = ShimServerOptions["getPod"];

const knownPod: GetPod = async ({ namespace, name }) => podsByName[`${namespace}/${name}`];

async function startDaemon(t: TestContext, { socketPath }: NodeUnderTest, getPod: GetPod = knownPod) {
  const server = await startShimServer({
    socketPath,
    getPod,
    isMeshNamespace: (namespace) => namespace === "shop",
    excludedNamespaces: ["kube-system"],
    hostRoot: "",
    log: silentLogger,
  });
  t.after(() => server.close());
  return server;
}

function rulesOf(namespace: PodNamespace): string {
  return namespace.run("iptables-nft-save");
}

function assertHasNetwork(namespace: PodNamespace, outcome: { code: number | null; stdout: string }): void {
  assert.equal(outcome.code, 0, outcome.stdout);
  const { ips } = JSON.parse(outcome.stdout);
  assert.match(ips[0].address, /^10\.77\.0\./);
  assert.match(namespace.run("ip", "address", "show", "eth0"), /10\.77\.0\./);
}

test("the shim has a mesh's pod captured before it starts", { skip }, async (t) => {
  const { node } = await startChained(t);
  await startDaemon(t, node);
  const namespace = await node.startPod();
  assertHasNetwork(namespace, await node.addPod(namespace, "shop/reviews"));
  const rules = rulesOf(namespace);
  assert.match(rules, /-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001/);
  assert.match(rules, /-A ISTIO_INBOUND -p tcp -m tcp --dport 15020 -j RETURN/);
  assert.equal((await node.deletePod(namespace, "shop/reviews")).code, 0);
});

test("the shim captures a pod again after a first try that got lost", { skip }, async (t) => {
  const { node } = await startChained(t);
  await startDaemon(t, node);
  const namespace = await node.startPod();
  await node.addPod(namespace, "shop/reviews");
  await node.deletePod(namespace, "shop/reviews");
  assertHasNetwork(namespace, await node.addPod(namespace, "shop/reviews"));
  assert.equal(rulesOf(namespace).match(/-A OUTPUT -j ISTIO_OUTPUT/g)?.length, 1);
});

test("the shim leaves other pods without rules", { skip }, async (t) => {
  const { node } = await startChained(t);
  await startDaemon(t, node);
  for (const name of ["shop/plain", "kube-system/dns"]) {
    const namespace = await node.startPod();
    assertHasNetwork(namespace, await node.addPod(namespace, name));
    assert.doesNotMatch(rulesOf(namespace), /ISTIO/);
  }
});

test("the shim refuses, for another try, a pod that can't be captured", { skip }, async (t) => {
  const { node } = await startChained(t);
  await startDaemon(t, node);
  const namespace = await node.startPod();
  const { code, stdout } = await node.addPod(namespace, "shop/broken");
  assert.equal(code, 1);
  assert.equal(JSON.parse(stdout).code, 11);
  assert.match(JSON.parse(stdout).msg, /istio-local-exclude-ports "http"/);
});

test("without the API server the shim holds back the mesh's namespaces alone", { skip }, async (t) => {
  const { node } = await startChained(t);
  await startDaemon(t, node, () => Promise.reject(new Error("no route to the API server")));
  const held = await node.addPod(await node.startPod(), "shop/reviews");
  assert.equal(held.code, 1);
  assert.match(JSON.parse(held.stdout).msg, /no route to the API server/);
  const free = await node.startPod();
  assertHasNetwork(free, await node.addPod(free, "bank/ledger"));
});

test("the shim lets a pod through that the API server doesn't know, as kubelet's own", {
  skip,
}, async (t) => {
  const { node } = await startChained(t);
  await startDaemon(t, node);
  const namespace = await node.startPod();
  assertHasNetwork(namespace, await node.addPod(namespace, "shop/from-a-file"));
});

test("without its DaemonSet the shim holds back the mesh's namespaces alone", { skip }, async (t) => {
  const { node } = await startChained(t);
  const held = await node.startPod();
  const refusal = await node.addPod(held, "shop/reviews");
  assert.equal(refusal.code, 1);
  assert.equal(JSON.parse(refusal.stdout).code, 11);
  assert.equal((await node.deletePod(held, "shop/reviews")).code, 0, "a pod can go nonetheless");
  const free = await node.startPod();
  assertHasNetwork(free, await node.addPod(free, "bank/ledger"));
});

test("the shim holds nothing back for a DaemonSet that has been away for long", { skip }, async (t) => {
  const { node } = await startChained(t);
  const seconds = Date.now() / 1_000 - 3_600;
  await utimes(node.meshNamespacesFile, seconds, seconds);
  const namespace = await node.startPod();
  assertHasNetwork(namespace, await node.addPod(namespace, "shop/reviews"));
});

test("a pod that started before the plugin is found by its address and captured", { skip }, async (t) => {
  const { node, chained } = await startChained(t);
  await chained.uninstall();
  const [early, other] = [await node.startPod(), await node.startPod()];
  await node.addPod(other, "bank/ledger");
  const outcome = await node.addPod(early, "shop/reviews");
  assertHasNetwork(early, outcome);
  const [address = ""] = JSON.parse(outcome.stdout).ips[0].address.split("/");
  const directory = await mkdtemp(join(tmpdir(), "mlt-netns-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  await symlink(other.path, join(directory, "cni-1"));
  await symlink(early.path, join(directory, "cni-2"));
  const namespacePath = await findPodNamespace([address], directory);
  assert.equal(namespacePath, join(directory, "cni-2"));
  const name = { namespace: "shop", name: "reviews" };
  await capturePod(pod(), { name, namespacePath, log: silentLogger });
  assert.match(rulesOf(early), /-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001/);
  assert.doesNotMatch(rulesOf(other), /ISTIO/);
  assert.equal(await findPodNamespace(["10.77.1.1"], directory), undefined);
});

test("a removal leaves no pod without network", { skip }, async (t) => {
  const { node, chained } = await startChained(t);
  const server = await startDaemon(t, node);
  const before = await node.startPod();
  await node.addPod(before, "shop/reviews");
  await chained.uninstall();
  await server.close();
  await rm(join(node.binDirectory, SHIM_NAME));
  const after = await node.startPod();
  assertHasNetwork(after, await node.addPod(after, "shop/reviews"));
  assert.equal((await node.deletePod(before, "shop/reviews")).code, 0);
});

test("the shim is a small static program", { skip }, async (t) => {
  const { binDirectory } = await startNode(t);
  const { size } = await stat(join(binDirectory, SHIM_NAME));
  assert.ok(size < 2 * 1024 * 1024, `${size} bytes`);
});
