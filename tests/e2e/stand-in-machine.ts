// A machine for a test to run a front on: namespaces with an interface, rules and, where asked for, an unprivileged
// user, so that "the machine is as it was" can be checked while others use the real one.

import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, readFileSync } from "node:fs";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { runTool } from "../../src/local/network/run-tool.ts";
import { askOver, makeStateDirectory } from "./mesh-under-test.ts";
import type { FrontCalls } from "./sandbox-front.ts";

export interface StandInMachine {
  front<Call extends keyof FrontCalls>(
    call: Call,
    ...argument: Parameters<FrontCalls[Call]>
  ): Promise<ReturnType<FrontCalls[Call]>>;
  /** What may not change: interfaces, addresses, routes, rules, mounts, sysctls of the network, directories. */
  snapshot(): Promise<string>;
  /** Command lines of the processes on it, besides its own first one. */
  processes(): readonly { readonly pid: number; readonly command: string }[];
  readonly frontPid: number;
}

export interface StandInOptions {
  /** Ids of the user that the front runs as; root without. `subordinateIds` says whether it may map others. */
  readonly user?: { readonly uid: number; readonly subordinateIds: boolean };
  /** Makes /dev/net/tun open to the user; closed to all but root otherwise, whatever udev has made of the real one. */
  readonly openTun?: boolean;
}

/** Exists on the stand-in only. */
export const ordinaryUser = { uid: 61_234, subordinateIds: true } as const;
/** What a workload runs as, unless it says otherwise. */
export const app = { uid: 1_000, gid: 1_000, env: { PATH: "/usr/bin:/bin" } };
const stubbornServer = { ...app, argv: ["sh", "-c", "setsid sleep 500 & echo started; exec sleep 500"] };

// Files that tell of users are replaced in the stand-in's own mount namespace.
const setup = `
set -eu
uid=$1 has_ids=$2 open_tun=$3
shift 3
mount -n -t tmpfs stand-in /mnt
if [ "$uid" != 0 ]; then
  for name in passwd group subuid subgid; do cp "/etc/$name" /mnt/; done
  echo "mesh-user:x:$uid:$uid::/mnt/home:/bin/sh" >> /mnt/passwd
  echo "mesh-user:x:$uid:" >> /mnt/group
  mkdir -m 0700 /mnt/home
  chown "$uid:$uid" /mnt/home
  for name in subuid subgid; do
    : > "/mnt/$name"
    if [ "$has_ids" = yes ]; then echo "mesh-user:300000:65536" > "/mnt/$name"; fi
  done
  for name in passwd group subuid subgid; do mount -n --bind "/mnt/$name" "/etc/$name"; done
fi
echo "nameserver 127.0.0.1" > /mnt/resolv.conf
mount -n --bind /mnt/resolv.conf /etc/resolv.conf
if [ "$open_tun" = yes ]; then tun_mode=0666; else tun_mode=0600; fi
if [ -e /dev/net/tun ]; then mknod -m "$tun_mode" /mnt/tun c 10 200; mount -n --bind /mnt/tun /dev/net/tun; fi
ip link set lo up
# Addresses that the kernel gives by itself would change a second later.
if [ -e /proc/sys/net/ipv6/conf/default/disable_ipv6 ]; then echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6; fi
ip link add machine0 type veth peer name machine1
ip address add 192.0.2.77/24 dev machine0
ip link set machine0 up; ip link set machine1 up
ip route add default dev machine0
iptables -A INPUT -s 198.51.100.1 -j DROP
if [ "$uid" = 0 ]; then "$@" & else setpriv --reuid "$uid" --regid "$uid" --clear-groups "$@" & fi
exec 3>&-
wait $! || :
exec sleep 600
`;

export async function startStandInMachine(
  test: Pick<TestContext, "after">,
  options: StandInOptions = {},
): Promise<StandInMachine> {
  const { user, openTun = false } = options;
  const front = fileURLToPath(new URL("sandbox-front.ts", import.meta.url));
  const words = [
    String(user?.uid ?? 0),
    user?.subordinateIds === false ? "no" : "yes",
    openTun ? "yes" : "no",
  ];
  const program = [process.execPath, "--import", "tsx", front];
  const spaces = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
  const channel = spawn(
    "setpriv",
    ["--pdeathsig", "KILL", "unshare", ...spaces, "sh", "-c", setup, "machine", ...words, ...program],
    {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      env: user === undefined ? process.env : { PATH: process.env.PATH, HOME: "/mnt/home" },
    },
  );
  const ended = new Promise((resolve) => channel.once("exit", resolve));
  test.after(async () => {
    channel.kill("SIGKILL");
    await ended;
  });
  // The front's first words say that it runs, and so that the stand-in is set up.
  await Promise.race([once(channel, "message"), ended]);
  const first = onlyChild(channel.pid ?? 0);
  return {
    front: (call, ...[argument]) => ask(channel, { call, argument, ended }),
    snapshot: () => takeSnapshot(first),
    processes: () => descendants(first).map((pid) => ({ pid, command: commandOf(pid) })),
    frontPid: onlyChild(first),
  };
}

export function stateFor(t: TestContext, { user }: StandInOptions): string {
  const directory = makeStateDirectory(t);
  if (user !== undefined) chownSync(directory, user.uid, user.uid);
  return directory;
}

/** Launches the mesh and two pods with programs that don't end by themselves; gives the first one's address. */
export async function startPods(machine: StandInMachine, stateDirectory: string): Promise<string> {
  await machine.front("launch", stateDirectory);
  let firstIp = "";
  for (const hostname of ["a", "b"]) {
    const argument = { podKey: `shop/${hostname}`, hostname, dnsSearch: [] };
    const { ip } = (await machine.front("mesh", { call: "pod", argument })) as { ip: string };
    await machine.front("mesh", { call: "start", argument: { pod: `shop/${hostname}`, ...stubbornServer } });
    firstIp ||= ip;
  }
  return firstIp;
}

function ask<Result>(
  channel: ChildProcess,
  request: { call: string; argument: unknown; ended: Promise<unknown> },
): Promise<Result> {
  return askOver(channel, request);
}

async function takeSnapshot(pid: number): Promise<string> {
  const script = `
ip -o link | sed 's/ qdisc .*//'; ip -o address | sed 's/ valid_lft.*//'; ip route show table all; ip rule
iptables-save | grep -v '^#'; nft list ruleset
cut -d' ' -f4- /proc/self/mountinfo
ls -A / /run /etc /dev/net
for file in ipv4/ip_forward ipv4/conf/all/rp_filter ipv4/conf/default/send_redirects ipv4/ip_unprivileged_port_start ipv6/conf/default/disable_ipv6 bridge/bridge-nf-call-iptables; do
  [ ! -e /proc/sys/net/$file ] || echo "$file $(cat /proc/sys/net/$file)"
done`;
  const outcome = await runTool(["nsenter", `--target=${pid}`, "--net", "--mount", "--", "sh", "-c", script]);
  assert.equal(outcome.code, 0, outcome.stderr);
  return outcome.stdout;
}

function descendants(pid: number): readonly number[] {
  const own = childrenOf(pid);
  return [...own, ...own.flatMap(descendants)];
}

function childrenOf(pid: number): readonly number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    return text === "" ? [] : text.split(" ").map(Number);
  } catch {
    return [];
  }
}

function onlyChild(pid: number): number {
  const [child] = childrenOf(pid);
  assert(child !== undefined, `process ${pid} has no child`);
  return child;
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    return "";
  }
}
