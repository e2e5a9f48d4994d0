import assert from "node:assert/strict";
import { test } from "node:test";
import { objectKey } from "../../core/object-key.ts";
import { Graph } from "../../graph/graph.ts";
import type { KubernetesObject } from "../../kinds/define-kind.ts";
import { declareSources, writeObject } from "../../model/sources.ts";
import type { ClusterSettings } from "../control-plane-settings.ts";
import { parseControlPlaneSettings } from "../control-plane-settings.ts";
import { createClusterInjection } from "./cluster-injection.ts";

function clusterInjection(
  objects: readonly KubernetesObject[] = [],
  environment: Record<string, string> = {},
) {
  const graph = new Graph();
  const sources = declareSources(graph);
  graph.commit((transaction) => {
    for (const object of objects) writeObject(transaction, sources, object);
  });
  const settings = parseControlPlaneSettings(["--kubernetes"], { AGENT_IMAGE: "m/agent:1", ...environment });
  return createClusterInjection(settings as ClusterSettings, sources);
}

function node(name: string, kubeletVersion: string) {
  const object = {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name },
    status: { nodeInfo: { kubeletVersion } },
  } as unknown as KubernetesObject;
  return { key: objectKey({ kind: "Node", namespace: "", name }), object };
}

test("settingsFor() has native sidecars while every node runs them", () => {
  const injection = clusterInjection();
  injection.take({ upserts: [node("a", "v1.36.3"), node("b", "v1.33.1")], deletes: [] });
  assert.equal(injection.settingsFor("shop").usesNativeSidecars, true);
  const old = node("c", "v1.31.0");
  injection.take({ upserts: [old], deletes: [] });
  assert.equal(injection.settingsFor("shop").usesNativeSidecars, false);
  assert.equal(injection.settingsFor("shop").supportsNativeSidecars, true);
  injection.take({ upserts: [], deletes: [old.key] });
  assert.equal(injection.settingsFor("shop").usesNativeSidecars, true);
});

test("settingsFor() has classic sidecars where the installation says so", () => {
  const injection = clusterInjection([], { ENABLE_NATIVE_SIDECARS: "false" });
  injection.take({ upserts: [node("a", "v1.36.3")], deletes: [] });
  assert.equal(injection.settingsFor("shop").usesNativeSidecars, false);
});

test("settingsFor() has pods pull by the installation's Secrets, unless injection's values name others", () => {
  const injection = clusterInjection([], { IMAGE_PULL_SECRETS: "registry,mirror" });
  assert.deepEqual(injection.settingsFor("shop").imagePullSecrets, ["registry", "mirror"]);
  injection.configure({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "meltemi-sidecar-injector", namespace: "meltemi-system" },
    data: { values: '{"global": {"imagePullSecrets": ["other"]}}' },
  });
  assert.deepEqual(injection.settingsFor("shop").imagePullSecrets, ["other"]);
});

test("settingsFor() takes ids from the pod's namespace and the network from the control plane's", () => {
  const injection = clusterInjection([
    {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "shop", annotations: { "openshift.io/sa.scc.uid-range": "1000/1000" } },
    },
    {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "meltemi-system", labels: { "topology.istio.io/network": "east" } },
    },
  ]);
  assert.equal(injection.settingsFor("shop").proxyIds.uid, 1999);
  assert.equal(injection.settingsFor("shop").network, "east");
  assert.equal(injection.settingsFor("plain").proxyIds.uid, 1337);
});

test("configure() puts injection's configuration in force and takes it back", () => {
  const injection = clusterInjection();
  const metadata = { name: "meltemi-sidecar-injector", namespace: "meltemi-system" };
  const data = { config: "policy: disabled", values: '{"global": {"network": "west"}}' };
  const problems = injection.configure({ apiVersion: "v1", kind: "ConfigMap", metadata, data });
  assert.deepEqual(problems, []);
  assert.equal(injection.settingsFor("shop").isOptIn, true);
  assert.equal(injection.settingsFor("shop").network, "west");
  injection.configure(undefined);
  assert.equal(injection.settingsFor("shop").isOptIn, false);
});
