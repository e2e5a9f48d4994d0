// The network between the nodes of a test cluster: a bridge in the first, a link to it from each other, and
// routes to each other's pods. Pods reach no address outside.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { ClusterNode } from "./cluster-node.ts";
import { serviceCidr } from "./node-configuration.ts";
import { runInNode } from "./node-namespaces.ts";

export async function connectNodes(nodes: readonly ClusterNode[]): Promise<void> {
  const [first, ...others] = nodes;
  if (first === undefined) return;
  await inNode(first, [
    "ip link add nodes type bridge",
    `ip address add ${first.address}/24 dev nodes`,
    "ip link set nodes up",
  ]);
  for (const node of others) {
    const link = `to-${node.name}`;
    await linkNodes(first, { node, link });
    await inNode(first, [`ip link set ${link} master nodes`, `ip link set ${link} up`]);
    await inNode(node, [`ip address add ${node.address}/24 dev nodes`, "ip link set nodes up"]);
  }
  for (const node of nodes) {
    const routes = nodes
      .filter((other) => other !== node)
      .map((other) => `ip route add ${other.podSubnet} via ${other.address}`);
    await inNode(node, [
      "sysctl -qw net.ipv4.ip_forward=1",
      ...routes,
      // What the node itself sends to a Service needs a route before kube-proxy's rules see it.
      `ip route add ${serviceCidr} dev nodes`,
      // Addresses that nobody has are refused at once, not left unanswered.
      "ip route add unreachable default",
    ]);
  }
}

async function linkNodes(
  first: ClusterNode,
  { node, link }: { node: ClusterNode; link: string },
): Promise<void> {
  const { pid } = node.namespaces;
  const script = `ip link add ${link} type veth peer name nodes netns ${pid}`;
  // Into the first node's network alone: among its processes the other node's number would mean nothing.
  const target = String(first.namespaces.pid);
  await promisify(execFile)("nsenter", ["--target", target, "--net", "sh", "-euc", script]);
}

async function inNode(node: ClusterNode, commands: readonly string[]): Promise<void> {
  await runInNode(node.namespaces.pid, ["sh", "-euc", commands.join("\n")]);
}
