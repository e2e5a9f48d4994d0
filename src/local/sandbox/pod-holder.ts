// The small shell process that holds a pod's namespaces: as long as it lives they do, and it ends with the supervisor.
// It is the first process of the pod's pid namespace, so it reaps what loses its parent there.

import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { meshDirectory } from "../front/mesh-init-script.ts";
import { macAddressOf } from "../network/ipv4-range.ts";
import { toolEnvironment } from "../network/run-tool.ts";
import { MAX_POD_DIRECTORIES, podDirectories, podRoot, programRoot } from "./pod-root.ts";

export interface PodIdentity {
  readonly podKey: string;
  readonly hostname: string;
  readonly ip: string;
  readonly dnsSearch: readonly string[];
  /** Directories of the mesh's, at most six, that containers of this pod may mount; the pod sees no others. */
  readonly directories?: readonly string[];
}

export interface HolderOptions extends PodIdentity {
  readonly filesDirectory: string;
  readonly linkName: string;
  readonly bridgeIp: string;
}

export function spawnHolder(options: HolderOptions): ChildProcess {
  const { podKey, hostname, ip, filesDirectory, linkName, bridgeIp, directories = [] } = options;
  if (directories.length > MAX_POD_DIRECTORIES) throw new Error(`Too many directories for ${podKey}`);
  // All traffic goes by the bridge's own address, also between pods: there VIPs are translated, both ways.
  const ipCommands = [
    "link set lo up",
    `link add name eth0 address ${macAddressOf(ip)} type veth peer name ${linkName} netns /proc/1/ns/net`,
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
    ...directories,
  ];
  const spaces = ["--net", "--uts", "--ipc", "--mount", "--pid", "--fork", "--kill-child"];
  return spawn("unshare", [...spaces, ...script], {
    stdio: ["pipe", "pipe", "pipe"],
    env: toolEnvironment(),
    detached: true,
  });
}

// Runs as the first process of the pod's namespaces and stays: they live as long as it does. A child waits for the end of
// standard input, which the supervisor holds open, so that it ends with it; `wait` reaps all others meanwhile. Signals of
// the pod's programs don't reach the first process, but they may end that child, which is started again then.
const holderScript = `
set -eu
cd ${podRoot}${programRoot}
mount -n -o bind,ro "$1" .${meshDirectory}/pod
mount -n -t proc -o nosuid,nodev,noexec proc proc
mount -n -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts dev/pts
mount -n -t tmpfs -o mode=1777,nosuid,nodev meltemi dev/shm
name=$2 links=$3
shift 3
at=0
for directory; do
  mount -n --bind "$directory" "${podRoot}${podDirectories}/$at"
  at=$((at + 1))
done
cd ${podRoot}
pivot_root . .
umount -n -l .
cd /
hostname "$name"
cd /proc/sys/net
echo 0 > ipv4/ip_unprivileged_port_start
echo 0 > ipv4/conf/all/rp_filter
echo 0 > ipv4/conf/default/rp_filter
if [ -e ipv6/conf/default/disable_ipv6 ]; then echo 1 > ipv6/conf/default/disable_ipv6; fi
cd /
ip -batch - <<END
$links
END
echo ready
exec 3<&0 1>&- 2>&-
status=0
until [ "$status" = 7 ]; do
  { read -r _ <&3; exit 7; } &
  status=0
  wait $! || status=$?
done
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

/** Holds what a pod sees as its resolv.conf, hosts and hostname. */
export function filesDirectoryOf(podKey: string): string {
  return join(meshDirectory, "pods", podKey.replace("/", "_"));
}

/** Holds the fifos of a pod's output, for the supervisor alone. */
export function pipesDirectoryOf(podKey: string): string {
  return join(meshDirectory, "pipes", podKey.replace("/", "_"));
}

export function writePodFiles(
  directory: string,
  { hostname, ip, dnsSearch, nameserver }: PodIdentity & { readonly nameserver: string },
): void {
  mkdirSync(directory, { recursive: true });
  const search = dnsSearch.length === 0 ? "" : `search ${dnsSearch.join(" ")}\n`;
  writeFileSync(join(directory, "resolv.conf"), `nameserver ${nameserver}\n${search}options ndots:5\n`);
  const loopback = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n";
  writeFileSync(join(directory, "hosts"), `${loopback}${ip} ${hostname}\n`);
  writeFileSync(join(directory, "hostname"), `${hostname}\n`);
}
