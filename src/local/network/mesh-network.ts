// The mesh's network, made in the supervisor's own namespace: bridge, forwarding, service rules, cluster DNS, and the
// sandboxes of pods. Addresses outlive it in the state directory; nothing else does.

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../core/clock.ts";
import { systemClock } from "../../core/clock.ts";
import type { Logger } from "../../core/logger.ts";
import { silentLogger } from "../../core/logger.ts";
import { type ClusterDns, startClusterDns } from "../dns/cluster-dns.ts";
import { podFilesDirectory } from "../front/mesh-init-script.ts";
import { currentLockedOptions } from "../sandbox/file-system-view.ts";
import { preparePodRoot } from "../sandbox/pod-root.ts";
import { createPodSandbox, type PodSandbox, type PodSandboxOptions } from "../sandbox/pod-sandbox.ts";
import { AddressLeases, type ServiceLease } from "./address-leases.ts";
import { createIpCommandBatch } from "./ip-command-batch.ts";
import { ipv4Range, macAddressOf } from "./ipv4-range.ts";
import { createPacketFilter } from "./packet-filter.ts";
import type { ServiceVip } from "./service-rules.ts";

export interface MeshNetworkOptions {
  readonly stateDirectory: string;
  /** Such as `10.244.0.0/16`. */
  readonly podCidr: string;
  /** Such as `10.96.0.0/16`. */
  readonly serviceCidr: string;
  readonly clusterDomain?: string;
  /** What the front's egress gave; absent where pods have no way out. */
  readonly egress?: { readonly machineAddress: string; readonly resolverAddress: string };
  /** Directories that pods see empty, besides the state directory; and such that they can't write. */
  readonly hiddenDirectories?: readonly string[];
  readonly readOnlyDirectories?: readonly string[];
  readonly log?: Logger;
  readonly clock?: Clock;
}

export interface MeshNetwork {
  readonly podCidr: string;
  readonly bridgeIp: string;
  readonly dns: ClusterDns;
  /** The address of `namespace/name`, the same one each time, over restarts too. */
  allocate(podKey: string): string;
  /** The pod is gone for good: its address may be given to another when no other is left. */
  release(podKey: string): void;
  /** The VIP of a service; `clusterIP` is what its spec asks for. */
  allocateVip(serviceKey: string, clusterIP?: string): ServiceLease;
  releaseVip(serviceKey: string): void;
  createPod(options: PodSandboxOptions): Promise<PodSandbox>;
  /** All services at once; resolves when these, or later ones, are in force. */
  setServices(services: readonly ServiceVip[]): Promise<void>;
  /** Ends all pods and DNS. The bridge and the rules go with the namespace, when the supervisor ends. */
  close(): Promise<void>;
}

export const bridgeName = "meltemi0";

/** Must run in the mesh's namespaces, as `launchSupervisor` makes them. */
export async function createMeshNetwork(options: MeshNetworkOptions): Promise<MeshNetwork> {
  const { podCidr, serviceCidr, clusterDomain = "cluster.local", egress } = options;
  const { log = silentLogger, clock = systemClock } = options;
  assertInMesh();
  const pods = ipv4Range(podCidr);
  mkdirSync(options.stateDirectory, { recursive: true, mode: 0o700 });
  const leases = new AddressLeases(
    join(options.stateDirectory, "leases.json"),
    { pods, services: ipv4Range(serviceCidr) },
    (cause) =>
      log.warn({ cause: cause instanceof Error ? cause.message : String(cause) }, "leases not saved"),
  );
  const bridgeIp = leases.bridgeAddress;
  const ipCommands = createIpCommandBatch();
  setKernelParameters();
  const { stateDirectory, hiddenDirectories = [], readOnlyDirectories = [] } = options;
  const view = { hidden: [stateDirectory, ...hiddenDirectories], readOnly: readOnlyDirectories };
  const [packetFilter] = await Promise.all([
    createPacketFilter({ podCidr, serviceCidr, bridge: bridgeName, log }),
    preparePodRoot(view, currentLockedOptions),
    ipCommands.run(bridgeCommands({ bridgeIp, prefixLength: pods.prefixLength, serviceCidr })),
  ]);
  const dns = await startClusterDns({
    address: bridgeIp,
    clusterDomain,
    upstreams: egress === undefined ? [] : [egress.resolverAddress],
    ...(egress === undefined ? {} : { machineAddress: egress.machineAddress }),
    log,
    clock,
  });
  // The supervisor's own lookups, those of the control plane among them, go the same way.
  writeFileSync(join(podFilesDirectory, "resolv.conf"), `nameserver ${bridgeIp}\n`);
  const sandboxes = new Set<PodSandbox>();
  const { restoreCommand } = packetFilter;
  return {
    podCidr,
    bridgeIp,
    dns,
    allocate: (podKey) => leases.leasePod(podKey),
    release: (podKey) => leases.releasePod(podKey),
    allocateVip: (serviceKey, clusterIP) => leases.leaseService(serviceKey, clusterIP),
    releaseVip: (serviceKey) => leases.releaseService(serviceKey),
    setServices: (services) => packetFilter.setServices(services),
    async createPod(pod) {
      const surroundings = { bridge: bridgeName, bridgeIp, ipCommands, restoreCommand, log };
      const sandbox = await createPodSandbox(pod, surroundings);
      sandboxes.add(sandbox);
      void sandbox.ended.then(() => sandboxes.delete(sandbox));
      return sandbox;
    },
    async close() {
      await Promise.all([...sandboxes].map((sandbox) => sandbox.close()));
      await dns.close();
    },
  };
}

// Outside of a mesh's namespaces all of the below would change the machine itself.
function assertInMesh(): void {
  if (!existsSync(podFilesDirectory))
    throw new Error("The mesh's network can only be made inside its namespaces");
}

// Files under /proc/sys/net are those of the reader's network namespace, so the machine's stay as they are.
function setKernelParameters(): void {
  const parameters = {
    "ipv4/ip_forward": 1,
    "ipv4/conf/all/rp_filter": 0,
    "ipv4/conf/default/rp_filter": 0,
    // All pods hang on one bridge, and yet must send by way of it: no redirects to a shorter way.
    "ipv4/conf/all/send_redirects": 0,
    "ipv4/conf/default/send_redirects": 0,
    "ipv6/conf/default/disable_ipv6": 1,
    // Where a container engine has loaded br_netfilter, iptables would see packets in the bridge, and translate
    // VIPs there: past the rules for pods that reach themselves.
    "bridge/bridge-nf-call-iptables": 0,
    "bridge/bridge-nf-call-ip6tables": 0,
    "bridge/bridge-nf-call-arptables": 0,
  };
  for (const [name, value] of Object.entries(parameters)) {
    const file = `/proc/sys/net/${name}`;
    if (existsSync(file)) writeFileSync(file, String(value));
  }
}

function bridgeCommands({
  bridgeIp,
  prefixLength,
  serviceCidr,
}: {
  bridgeIp: string;
  prefixLength: number;
  serviceCidr: string;
}): readonly string[] {
  return [
    "link set lo up",
    // A fixed address, or the bridge would take its lowest port's and change it as pods come and go.
    `link add ${bridgeName} address ${macAddressOf(bridgeIp)} type bridge mcast_snooping 0`,
    `link set ${bridgeName} up`,
    `address add ${bridgeIp}/${prefixLength} dev ${bridgeName}`,
    // A VIP that no rule translates is routed here, where the rules refuse it; without a route it would hang.
    `route add ${serviceCidr} dev ${bridgeName}`,
  ];
}
