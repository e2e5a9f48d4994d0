// The small shell process that holds a pod's namespaces: as long as it lives they do, and it ends with the supervisor.

import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { meshDirectory } from "../front/mesh-init-script.ts";
import { macAddressOf } from "../network/ipv4-range.ts";
import { toolEnvironment } from "../network/run-tool.ts";
import { fifoNames } from "./output-pipes.ts";

export interface PodIdentity {
  readonly podKey: string;
  readonly hostname: string;
  readonly ip: string;
  readonly dnsSearch: readonly string[];
}

export interface HolderOptions extends PodIdentity {
  readonly filesDirectory: string;
  readonly linkName: string;
  readonly bridgeIp: string;
}

export function spawnHolder(options: HolderOptions): ChildProcess {
  const { podKey, hostname, ip, filesDirectory, linkName, bridgeIp } = options;
  // All traffic goes by the bridge's own address, also between pods: there VIPs are translated, both ways.
  const ipCommands = [
    "link set lo up",
    `link add name eth0 address ${macAddressOf(ip)} type veth peer name ${linkName} netns 1`,
    `address add ${ip}/32 dev eth0`,
    "link set eth0 up",
    `route add ${bridgeIp} dev eth0 src ${ip}`,
    `route add default via ${bridgeIp} dev eth0 src ${ip}`,
  ];
  const script = [
    "sh",
    "-c",
    holderScript,
    `meltemi-pod ${podKey}`,
    filesDirectory,
    hostname,
    ipCommands.join("\n"),
  ];
  return spawn("unshare", ["--net", "--uts", "--ipc", "--mount", ...script], {
    stdio: ["pipe", "pipe", "pipe"],
    env: toolEnvironment(),
    detached: true,
  });
}

// Runs as the first process of the pod's namespaces and stays: they live as long as it does. Its standard
// input is held open by the supervisor, so that it ends with it.
const holderScript = `
set -eu
mount -n --bind "$1" ${meshDirectory}/pod
if [ -d /dev/shm ]; then mount -n -t tmpfs -o mode=1777,nosuid,nodev meltemi /dev/shm; fi
hostname "$2"
cd "$1"
mkfifo -m 0666 ${fifoNames.join(" ")}
cd /proc/sys/net
echo 0 > ipv4/ip_unprivileged_port_start
echo 0 > ipv4/conf/all/rp_filter
echo 0 > ipv4/conf/default/rp_filter
if [ -e ipv6/conf/default/disable_ipv6 ]; then echo 1 > ipv6/conf/default/disable_ipv6; fi
cd /
ip -batch - <<END
$3
END
echo ready
exec 1>&- 2>&-
read -r _ || :
`;

export function holderReady(holder: ChildProcess, podKey: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let words = "";
    holder.stdin?.on("error", () => undefined);
    holder.stderr?.on("data", (chunk: Buffer) => {
      words += chunk.toString("utf8");
    });
    holder.once("error", (cause) => reject(new Error(`Cannot start the sandbox of ${podKey}`, { cause })));
    holder.once("close", () => reject(new Error(`Cannot make the sandbox of ${podKey}: ${words.trim()}`)));
    (holder.stdout as Readable | null)?.once("data", () => resolve());
  });
}

export function writePodFiles(options: PodIdentity, nameserver: string): string {
  const { podKey, hostname, ip, dnsSearch } = options;
  const directory = join(meshDirectory, "pods", podKey.replace("/", "_"));
  mkdirSync(directory, { recursive: true });
  const search = dnsSearch.length === 0 ? "" : `search ${dnsSearch.join(" ")}\n`;
  writeFileSync(join(directory, "resolv.conf"), `nameserver ${nameserver}\n${search}options ndots:5\n`);
  const loopback = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n";
  writeFileSync(join(directory, "hosts"), `${loopback}${ip} ${hostname}\n`);
  writeFileSync(join(directory, "hostname"), `${hostname}\n`);
  return directory;
}
