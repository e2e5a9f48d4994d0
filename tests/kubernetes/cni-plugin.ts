// The CNI plugin of an installation as tests see and treat it: on its nodes, and by its DaemonSet.

import assert from "node:assert/strict";
import { join } from "node:path";
import { eventually } from "../e2e/mesh/eventually.ts";
import type { Cluster, OpenNode } from "./cluster/open-cluster.ts";

const CONFIGURATION = "/etc/cni/net.d/10-pods.conflist";
const NAMESPACE = ["-n", "meltemi-cni"];
const DAEMON_SET = "daemonset/meltemi-cni";
const LIMIT_MS = 60_000;

/** The types of the plugins that the node's runtime runs for a pod, in this order. */
export async function pluginsOf(node: OpenNode): Promise<readonly string[]> {
  const { plugins } = await configurationOf(node);
  return plugins.map(({ type }) => type);
}

export async function configurationOf(node: OpenNode): Promise<{ plugins: readonly { type: string }[] }> {
  return JSON.parse(await node.run(["cat", CONFIGURATION]));
}

/** As the owner of the primary network does when it starts anew. */
export async function rewriteConfiguration(cluster: Cluster, node: OpenNode): Promise<void> {
  await node.run(["cp", join(cluster.folder, node.name, "pods.conflist"), CONFIGURATION]);
}

/** What an installation puts on the node, as far as it is there. */
export async function filesOnNode(node: OpenNode): Promise<readonly string[]> {
  const isOurs = ["(", "-name", "meltemi-cni", "-o", "-path", "/var/lib/meltemi-cni/*", ")"];
  const found = await node.run([
    "find",
    "/opt/cni/bin",
    "/var/lib/meltemi-cni",
    ...isOurs,
    "-not",
    "-type",
    "d",
  ]);
  return found
    .split("\n")
    .filter((path) => path !== "")
    .sort();
}

/** Takes the DaemonSet's pods from all nodes, as when a node's own isn't there yet; what they installed stays. */
export async function stopDaemons(cluster: Cluster): Promise<void> {
  await selectNodes(cluster, { "meltemi.test/absent": "true" });
  const pods = ["get", "pods", ...NAMESPACE, "-o", "name"];
  await eventually(async () => assert.equal(await cluster.kubectl(pods), ""), { deadlineMs: LIMIT_MS });
}

export async function startDaemons(cluster: Cluster): Promise<void> {
  await selectNodes(cluster, { "meltemi.test/absent": null });
  await untilRolledOut(cluster);
}

export async function untilRolledOut({ kubectl }: Cluster): Promise<void> {
  const status = ["rollout", "status", ...NAMESPACE, DAEMON_SET, `--timeout=${LIMIT_MS}ms`];
  await kubectl(status, { timeoutMs: LIMIT_MS + 5_000 });
}

export async function restartDaemons({ kubectl }: Cluster): Promise<void> {
  await kubectl(["rollout", "restart", ...NAMESPACE, DAEMON_SET]);
}

async function selectNodes(
  { kubectl }: Cluster,
  nodeSelector: Readonly<Record<string, string | null>>,
): Promise<void> {
  const patch = JSON.stringify({ spec: { template: { spec: { nodeSelector } } } });
  await kubectl(["patch", ...NAMESPACE, DAEMON_SET, "--type", "merge", "-p", patch]);
}
