// Two pods' network namespaces on a bridge of the one that this process is in, which stands for their node.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readlinkSync } from "node:fs";

export type PairFamilies = "ipv6" | "dual";

export interface PairedPod {
  readonly name: "client" | "server";
  readonly namespacePid: number;
  /** The first is what kubelet calls the pod's IP. */
  readonly addresses: readonly string[];
}

/** Where the pods' node, and with it the control plane, listens. */
export const NODE_IPV6 = "fd09::254";
export const SERVICE_IPV4 = "10.96.0.1";
export const SERVICE_IPV6 = "fd96::1";

const HOLD_SECONDS = "90";

/** The namespaces end with `close`, or by themselves should that never be called. */
export async function pairPods(families: PairFamilies) {
  sh(`ip link set lo up; ip link add br0 type bridge; ip link set br0 up
    ip addr add ${NODE_IPV6}/64 dev br0 nodad
    ${families === "dual" ? "ip addr add 10.9.0.254/24 dev br0" : ""}`);
  const holders = [startHolder(), startHolder()] as const;
  const [client, server] = await Promise.all([
    joinPod("client", { at: 1, families, holder: holders[0] }),
    joinPod("server", { at: 2, families, holder: holders[1] }),
  ]);
  return { client, server, close: () => void holders.map((holder) => holder.kill("SIGKILL")) };
}

function startHolder(): ChildProcess {
  return spawn("unshare", ["--net", "sleep", HOLD_SECONDS], { stdio: "ignore" });
}

interface Joining {
  readonly at: number;
  readonly families: PairFamilies;
  readonly holder: ChildProcess;
}

async function joinPod(name: PairedPod["name"], { at, families, holder }: Joining): Promise<PairedPod> {
  const { pid = 0 } = holder;
  await untilApart(pid);
  const inPod = `nsenter -t ${pid} -n`;
  sh(`ip link add veth${at} type veth peer name eth0 netns ${pid}
    ip link set veth${at} master br0 up
    ${inPod} ip link set lo up
    ${inPod} ip addr add fd09::${at}/64 dev eth0 nodad
    ${families === "dual" ? `${inPod} ip addr add 10.9.0.${at}/24 dev eth0` : ""}
    ${inPod} ip link set eth0 up
    ${inPod} ip -6 route add default via ${NODE_IPV6}
    ${families === "dual" ? `${inPod} ip route add default via 10.9.0.254` : ""}`);
  const addresses = families === "dual" ? [`10.9.0.${at}`, `fd09::${at}`] : [`fd09::${at}`];
  return { name, namespacePid: pid, addresses };
}

/** `unshare` has left this process's namespace. */
async function untilApart(pid: number): Promise<void> {
  const own = readlinkSync("/proc/self/ns/net");
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; ) {
    if (readlinkSync(`/proc/${pid}/ns/net`) !== own) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`process ${pid} has no network namespace of its own`);
}

function sh(script: string): void {
  const { status, stderr } = spawnSync("sh", ["-ec", script], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
}
