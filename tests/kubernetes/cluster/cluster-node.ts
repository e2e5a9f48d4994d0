// One node of a test cluster: containerd, kubelet and kube-proxy in namespaces of their own.

import { readFile, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { clusterBinaryPath } from "./cached-programs.ts";
import type { ClusterRoot } from "./certificates.ts";
import type { Component } from "./component.ts";
import { startComponent } from "./component.ts";
import { behindHaltSwitch } from "./halt-switch.ts";
import { writeKubeconfig } from "./kubectl.ts";
import { createNodeCgroups } from "./node-cgroups.ts";
import { containerdConfig, kubeletConfig, kubeProxyConfig, podNetworkConfig } from "./node-configuration.ts";
import type { NodeNamespaces } from "./node-namespaces.ts";
import { createNodeNamespaces, runInNode } from "./node-namespaces.ts";
import { ownPrefix } from "./sweep-leftovers.ts";
import { untilAnswered } from "./until-answered.ts";

const CONTAINERD_LIMIT_MS = 60_000;
const OVERLAY_FILE_SYSTEM = 0x794c7630;
/** Where Debian keeps the plugins that make pods' networks. */
const NETWORK_PLUGINS = "/usr/lib/cni";

export interface NodeAddresses {
  /** From 1. */
  readonly number: number;
  readonly name: string;
  readonly address: string;
  readonly podSubnet: string;
}

export function nodeAddresses(number: number): NodeAddresses {
  return {
    number,
    name: `node-${number}`,
    address: `10.200.0.${number}`,
    podSubnet: `10.244.${number}.0/24`,
  };
}

export interface ClusterNode extends NodeAddresses {
  readonly namespaces: NodeNamespaces;
  /** Starts one of the binary's components in the node; with `haltFolder` as halt-switch.ts says. */
  startComponent(
    name: string,
    flags: readonly string[],
    options?: { readonly haltFolder: string },
  ): Component;
  /** Starts containerd; resolves when it answers. */
  startContainerd(): Promise<void>;
  /** An OCI layout's archive, for pods of this node. */
  importImages(archive: string): Promise<void>;
  /** Starts kubelet and kube-proxy, which will know the API server soon. */
  join(control: JoinOptions): Promise<void>;
  close(): Promise<void>;
}

export interface JoinOptions {
  readonly url: string;
  readonly root: ClusterRoot;
  readonly labels: Readonly<Record<string, string>>;
}

/** Its namespaces alone: nothing runs in it yet. */
export async function createClusterNode(
  clusterFolder: string,
  addresses: NodeAddresses,
): Promise<ClusterNode> {
  const folder = join(clusterFolder, addresses.name);
  const cgroups = await createNodeCgroups(`${ownPrefix}${addresses.name}`);
  let namespaces: NodeNamespaces;
  try {
    namespaces = await createNodeNamespaces(folder);
  } catch (error) {
    await cgroups.close();
    throw error;
  }
  const components: Component[] = [];
  const start = (name: string, command: readonly [string, ...string[]]) => {
    const component = startComponent(name, namespaces.enter(command), { folder });
    components.push(component);
    return component;
  };
  const startBinary = (name: string, flags: readonly string[]) =>
    start(name, [clusterBinaryPath(), name, ...flags]);
  const run = (...command: readonly [string, ...string[]]) => runInNode(namespaces.pid, command);
  return {
    ...addresses,
    namespaces,
    startComponent(name, flags, options) {
      const command = [clusterBinaryPath(), name, ...flags] as const;
      return start(name, options === undefined ? command : behindHaltSwitch(options.haltFolder, command));
    },
    async startContainerd() {
      const { type } = await statfs(folder);
      const config = join(folder, "containerd.toml");
      await writeFile(config, containerdConfig(type === OVERLAY_FILE_SYSTEM ? "native" : "overlayfs"));
      await writeFile(join(folder, "pods.conflist"), JSON.stringify(podNetworkConfig(addresses.podSubnet)));
      await run("mkdir", "-p", "/etc/cni/net.d", "/opt/cni/bin");
      await run("cp", "-a", `${NETWORK_PLUGINS}/.`, "/opt/cni/bin/");
      await run("cp", join(folder, "pods.conflist"), "/etc/cni/net.d/10-pods.conflist");
      const containerd = start("containerd", ["containerd", "--config", config]);
      const ask = () => run("ctr", "version").then(() => undefined, String);
      await untilAnswered(ask, { limitMs: CONTAINERD_LIMIT_MS, failures: [containerd.untilFailure] });
    },
    async importImages(archive) {
      await run("ctr", "--namespace", "k8s.io", "images", "import", archive);
    },
    async join({ url, root, labels }) {
      const kubelet = await writeKubeletFiles(folder, { addresses, url, root, cgroupRoot: cgroups.path });
      const nodeLabels = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
      startBinary("kubelet", [
        ...["--config", kubelet.configPath, "--kubeconfig", kubelet.kubeconfigPath],
        ...["--hostname-override", addresses.name, "--node-ip", addresses.address],
        ...["--node-labels", nodeLabels.join(",")],
      ]);
      startBinary("kube-proxy", ["--config", await writeProxyFiles(folder, { addresses, url, root })]);
    },
    async close() {
      await Promise.all(components.map((component) => component.close()));
      await namespaces.close();
      await cgroups.close();
    },
  };
}

interface Credentials {
  readonly addresses: NodeAddresses;
  readonly url: string;
  readonly root: ClusterRoot;
}

async function writeKubeletFiles(
  folder: string,
  { addresses, url, root, cgroupRoot }: Credentials & { readonly cgroupRoot: string },
) {
  const subject = `/O=system:nodes/CN=system:node:${addresses.name}`;
  const kubeconfigPath = await writeCredentials(folder, {
    user: `kubelet-${addresses.name}`,
    subject,
    url,
    root,
  });
  // Pods with the node's DNS get no server from it: there is no network outside.
  await writeFile(join(folder, "resolv.conf"), "options ndots:1\n");
  const configPath = join(folder, "kubelet.json");
  const rootPath = root.certificatePath;
  await writeFile(configPath, JSON.stringify(kubeletConfig({ cgroupRoot, folder, rootPath })));
  return { kubeconfigPath, configPath };
}

async function writeProxyFiles(folder: string, { addresses, url, root }: Credentials): Promise<string> {
  const subject = "/CN=system:kube-proxy";
  const user = `kube-proxy-${addresses.name}`;
  const kubeconfigPath = await writeCredentials(folder, { user, subject, url, root });
  const configPath = join(folder, "kube-proxy.json");
  await writeFile(configPath, JSON.stringify(kubeProxyConfig(addresses.name, kubeconfigPath)));
  return configPath;
}

interface UserCredentials {
  readonly user: string;
  readonly subject: string;
  readonly url: string;
  readonly root: ClusterRoot;
}

async function writeCredentials(
  folder: string,
  { user, subject, url, root }: UserCredentials,
): Promise<string> {
  const leaf = await root.issue(user, subject);
  const path = join(folder, `${user}.kubeconfig`);
  const caPem = await readFile(root.certificatePath, "utf8");
  const credentials = { "client-certificate": leaf.certificatePath, "client-key": leaf.keyPath };
  await writeKubeconfig(path, { url, caPem, user: credentials });
  return path;
}
