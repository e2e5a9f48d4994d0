// Replicas of an installed control plane: which there are, how many proxies each serves, and their sudden deaths.

import { eventually } from "../e2e/mesh/eventually.ts";
import type { Cluster } from "./cluster/open-cluster.ts";

export interface Replica {
  readonly name: string;
  readonly address: string;
  /** Of its node. */
  readonly nodeName: string;
  readonly containerId: string;
  readonly restartCount: number;
  readonly isReady: boolean;
}

const SYSTEM = ["-n", "meltemi-system"] as const;

interface PodItem {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly spec: { readonly nodeName?: string };
  readonly status: {
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly { readonly containerID?: string; readonly restartCount: number }[];
  };
}

/** Those that aren't being deleted, by name. */
export async function replicasOf({ kubectl }: Cluster, revision = "default"): Promise<readonly Replica[]> {
  const selector = `app.kubernetes.io/name=meltemi,istio.io/rev=${revision}`;
  const text = await kubectl([...SYSTEM, "get", "pods", "-l", selector, "-o", "json"]);
  const { items } = JSON.parse(text) as { readonly items: readonly PodItem[] };
  return items
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata, spec, status }) => {
      const [container] = status.containerStatuses ?? [];
      return {
        name: metadata.name,
        address: status.podIP ?? "",
        nodeName: spec.nodeName ?? "",
        containerId: (container?.containerID ?? "").replace("containerd://", ""),
        restartCount: container?.restartCount ?? 0,
        isReady: (status.conditions ?? []).some(({ type, status }) => type === "Ready" && status === "True"),
      };
    })
    .sort((one, other) => one.name.localeCompare(other.name));
}

/** Resolves with them when there are `count`, all ready. */
export function untilReady(cluster: Cluster, count = 2, revision = "default"): Promise<readonly Replica[]> {
  return eventually(
    async () => {
      const replicas = await replicasOf(cluster, revision);
      if (replicas.length === count && replicas.every(({ isReady }) => isReady)) return replicas;
      throw new Error(`Not ${count} ready replicas: ${JSON.stringify(replicas)}`);
    },
    { deadlineMs: 90_000 },
  );
}

/** SIGKILL by the container runtime: the process hears nothing of it, and the API server only later. */
export async function killProcess(cluster: Cluster, { nodeName, containerId }: Replica): Promise<void> {
  const node = cluster.nodes.find(({ name }) => name === nodeName);
  if (node === undefined) throw new Error(`No node is called ${nodeName}`);
  await node.run(["ctr", "--namespace", "k8s.io", "tasks", "kill", "--signal", "SIGKILL", containerId]);
}

/** xDS streams that a replica serves now, one for each proxy. */
export async function streamCountOf(cluster: Cluster, { address }: Replica): Promise<number> {
  const port = await cluster.forward(address, 15014);
  try {
    const response = await fetch(`http://127.0.0.1:${port.port}/metrics`);
    const counts = (await response.text()).matchAll(/^pilot_xds\{[^}]*\} (\d+)$/gm);
    return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
  } finally {
    await port.close();
  }
}
