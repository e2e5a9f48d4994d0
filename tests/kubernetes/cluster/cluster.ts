// A whole Kubernetes cluster of two nodes on this machine: real kubelets, containerd and pods, in namespaces of
// their own. The machine's rules, interfaces and settings stay as they are; all of it is gone at the end.

import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeAuditPolicy } from "./audit-log.ts";
import { writeClusterImages } from "./cluster-images.ts";
import type { ClusterNode } from "./cluster-node.ts";
import { createClusterNode, nodeAddresses } from "./cluster-node.ts";
import type { Component } from "./component.ts";
import { connectNodes } from "./connect-nodes.ts";
import {
  apiServerFlags,
  auditFlags,
  controllerManagerFlags,
  createControlPlaneFiles,
  etcdFlags,
  schedulerFlags,
} from "./control-plane-flags.ts";
import { coreDnsManifest } from "./core-dns.ts";
import { forwardPort } from "./forward-port.ts";
import { kubectlWith, writeKubeconfig } from "./kubectl.ts";
import type { Cluster, ClusterDescription } from "./open-cluster.ts";
import { openCluster } from "./open-cluster.ts";
import { ownPrefix, sweepLeftovers } from "./sweep-leftovers.ts";
import { getFromApi, untilAnswered } from "./until-answered.ts";

const READY_LIMIT_MS = 180_000;
const API_PORT = 6443;
const ETCD_URL = "http://127.0.0.1:2379";

export interface ClusterOptions {
  /** Told one sentence before each step. */
  readonly onProgress?: (sentence: string) => void;
}

export interface RunningCluster extends Cluster {
  readonly description: ClusterDescription;
  /** Removes everything. */
  close(): Promise<void>;
}

export async function startCluster(options: ClusterOptions = {}): Promise<RunningCluster> {
  await sweepLeftovers();
  const folder = await mkdtemp(join(tmpdir(), ownPrefix));
  const ends: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, force: true })];
  const close = async () => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  try {
    const description = await start(folder, ends, options);
    return { ...openCluster(description), description, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function start(
  folder: string,
  ends: (() => Promise<void>)[],
  { onProgress = () => undefined }: ClusterOptions,
): Promise<ClusterDescription> {
  onProgress("namespaces and images");
  const nodes: ClusterNode[] = [];
  for (const number of [1, 2]) {
    const node = await createClusterNode(folder, nodeAddresses(number));
    ends.push(() => node.close());
    nodes.push(node);
  }
  await connectNodes(nodes);
  const [first] = nodes as [ClusterNode, ...ClusterNode[]];
  const [archive, control] = await Promise.all([
    writeClusterImages(folder),
    startControlPlane(folder, first, ends),
    ...nodes.map((node) => node.startContainerd()),
  ]);
  await Promise.all(nodes.map((node) => node.importImages(archive)));
  onProgress("nodes and DNS");
  for (const node of nodes) {
    const zone = {
      "topology.kubernetes.io/region": "region-1",
      "topology.kubernetes.io/zone": `zone-${node.number}`,
    };
    await node.join({ url: `https://${first.address}:${API_PORT}`, root: control.root, labels: zone });
  }
  const kubectl = kubectlWith(control.kubeconfigPath);
  await kubectl(["apply", "--server-side", "-f", "-"], { input: coreDnsManifest() });
  const limit = `--timeout=${READY_LIMIT_MS / 1_000}s`;
  const patience = { timeoutMs: READY_LIMIT_MS + 10_000 };
  for (const node of nodes) {
    await kubectl(["wait", "--for=create", limit, `node/${node.name}`], patience);
    await kubectl(["wait", "--for=condition=Ready", limit, `node/${node.name}`], patience);
  }
  await kubectl(["-n", "kube-system", "rollout", "status", limit, "deployment/coredns"], patience);
  return {
    ...control.access,
    kubeconfigPath: control.kubeconfigPath,
    folder,
    nodes: nodes.map(({ name, address, namespaces }) => ({ name, address, pid: namespaces.pid })),
  };
}

async function startControlPlane(folder: string, node: ClusterNode, ends: (() => Promise<void>)[]) {
  const token = randomBytes(16).toString("hex");
  const addresses = ["127.0.0.1", node.address, "10.96.0.1"];
  const [root, forwarded] = await Promise.all([
    createControlPlaneFiles(folder, { token, addresses }),
    forwardPort(node.namespaces.pid, { host: node.address, port: API_PORT }),
    writeAuditPolicy(folder),
  ]);
  ends.push(() => forwarded.close());
  const url = `https://127.0.0.1:${forwarded.port}`;
  const caPem = await readFile(root.certificatePath, "utf8");
  const kubeconfigPath = join(folder, "kubeconfig");
  const ownKubeconfigPath = join(folder, "control-plane.kubeconfig");
  await writeKubeconfig(kubeconfigPath, { url, caPem, user: { token } });
  const ownUrl = `https://${node.address}:${API_PORT}`;
  await writeKubeconfig(ownKubeconfigPath, { url: ownUrl, caPem, user: { token } });

  const etcd = node.startComponent("etcd", etcdFlags(folder, ETCD_URL, "http://127.0.0.1:2380"));
  const server = node.startComponent(
    "kube-apiserver",
    [
      ...apiServerFlags(folder, { etcdUrl: ETCD_URL, address: node.address, port: API_PORT }),
      ...auditFlags(folder),
    ],
    { haltFolder: folder },
  );
  const access = { url, caPem, token };
  await untilReady(access, [etcd, server]);
  node.startComponent("kube-controller-manager", controllerManagerFlags(folder, ownKubeconfigPath));
  node.startComponent("kube-scheduler", schedulerFlags(ownKubeconfigPath));
  return { access, root, kubeconfigPath };
}

async function untilReady(
  access: { readonly url: string; readonly caPem: string; readonly token: string },
  components: readonly Component[],
): Promise<void> {
  const failures = components.map((component) => component.untilFailure);
  for (const path of ["/readyz", "/api/v1/namespaces/kube-system"]) {
    await untilAnswered(() => getFromApi({ ...access, path }), { limitMs: READY_LIMIT_MS, failures });
  }
}
