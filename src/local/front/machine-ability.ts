// What this machine lets a mesh do, found by trying it in a throw-away namespace: a user namespace may be
// made and yet hold no capability, so reading settings isn't enough. Never changes the machine.

import { accessSync, constants, readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { findTool, runTool } from "../network/run-tool.ts";

/** How the mesh's namespaces are made: by root, or in a user namespace whose root is the caller and that has 65,536 ids. */
export type MeshPrivilege = "root" | "user-namespace";

export type MachineAbility =
  | {
      readonly kind: "able";
      readonly privilege: MeshPrivilege;
      /** Why pods can't reach the outside, as a sentence; absent where they can. */
      readonly noEgress?: string;
    }
  | {
      readonly kind: "unable";
      /** One sentence: what is missing, and how to get it. */
      readonly sentence: string;
    };

export async function probeMachine(platform: NodeJS.Platform = process.platform): Promise<MachineAbility> {
  if (platform !== "linux")
    return unable(`Local mode needs Linux, and this is ${platform}: use a Linux virtual machine`);
  const missing = missingPackages();
  if (missing.length > 0) {
    return unable(
      `Local mode needs tools that aren't installed: run \`apt-get install ${missing.join(" ")}\``,
    );
  }
  const isRoot = process.geteuid?.() === 0;
  const asRoot = isRoot ? await tryNamespaces("root") : undefined;
  if (asRoot?.succeeded === true) return able("root");
  const asUser = await tryNamespaces("user-namespace");
  if (asUser.succeeded) return able("user-namespace");
  if (asRoot !== undefined) {
    return unable(
      `root may not ${asRoot.failedStep} here, as in a container without privileges: run it with --privileged, or outside`,
    );
  }
  return unable(await explainUserNamespaces(asUser.failedStep));
}

/** unshare's arguments that make a mesh's namespaces. */
export function unshareArguments(privilege: MeshPrivilege): readonly string[] {
  const user = privilege === "root" ? [] : ["--user", "--map-auto", "--map-root-user"];
  const spaces = ["--net", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child"];
  return [...user, ...spaces, "--mount-proc", "--propagation", "private"];
}

/** Why user-mode networking can't be had, or undefined where it can. */
export function egressObstacle(): string | undefined {
  if (findTool("slirp4netns") === undefined)
    return "slirp4netns isn't installed: run `apt-get install slirp4netns`";
  if (isAllowed("/dev/net/tun", constants.R_OK | constants.W_OK)) return undefined;
  return "/dev/net/tun can't be opened: load the module tun and let this user read and write the device";
}

function able(privilege: MeshPrivilege): MachineAbility {
  const obstacle = egressObstacle();
  return obstacle === undefined
    ? { kind: "able", privilege }
    : { kind: "able", privilege, noEgress: `Pods can't reach the outside, because ${obstacle}` };
}

function unable(sentence: string): MachineAbility {
  return { kind: "unable", sentence };
}

const packagesByTool: Readonly<Record<string, string>> = {
  unshare: "util-linux",
  nsenter: "util-linux",
  setpriv: "util-linux",
  mount: "mount",
  hostname: "hostname",
  ip: "iproute2",
  "iptables-restore": "iptables",
};

function missingPackages(): string[] {
  const missing = Object.entries(packagesByTool).filter(([tool]) => findTool(tool) === undefined);
  return [...new Set(missing.map(([, packageName]) => packageName))];
}

// Each line is one thing that a mesh does, told in words that complete "may not …". mount is told to keep no notes:
// it would make a directory for them in the machine's /run.
const effectScript = `
step() { echo "$1"; }
step "mount a tmpfs"; mount -n -t tmpfs meltemi /tmp || exit 1
step "use a second user id"; setpriv --reuid 1 --regid 1 --clear-groups true || exit 1
step "make network interfaces"; ip link add meltemi0 type bridge && ip link add eth0 type veth peer name peer0 || exit 1
step "forward packets"; echo 1 > /proc/sys/net/ipv4/ip_forward || exit 1
step "make a network namespace"; unshare --net --uts --mount true || exit 1
step done
`;

type Trial = { readonly succeeded: true } | { readonly succeeded: false; readonly failedStep: string };

async function tryNamespaces(privilege: MeshPrivilege): Promise<Trial> {
  return tryScript([...unshareArguments(privilege), "sh", "-c", effectScript]);
}

async function tryScript(args: readonly string[]): Promise<Trial> {
  const outcome = await runTool(["unshare", ...args]);
  const lastStep = outcome.stdout.trim().split("\n").at(-1) ?? "";
  if (outcome.code === 0 && lastStep === "done") return { succeeded: true };
  return { succeeded: false, failedStep: lastStep === "" ? "make namespaces" : lastStep };
}

async function explainUserNamespaces(failedStep: string): Promise<string> {
  const user = userInfo().username;
  const singleId = await runTool(["unshare", "--user", "--map-root-user", "--net", "--mount", "true"]);
  if (singleId.code === 0 && findTool("newuidmap") === undefined) {
    return "Running without root needs user ids to map: run `apt-get install uidmap` as root";
  }
  if (singleId.code === 0 && !mentionsUser("/etc/subuid", user)) {
    return `Running without root needs user ids to map, and ${user} has none: run \`usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${user}\` as root`;
  }
  const setting = closedSettings.find(({ file, closedValue }) => readText(file).trim() === closedValue);
  if (setting !== undefined) {
    return `This kernel doesn't let users make namespaces: run \`sysctl -w ${setting.remedy}\` as root, or run as root`;
  }
  return `${user} may not ${failedStep} in a user namespace here: run as root, or allow unprivileged user namespaces`;
}

const closedSettings = [
  {
    file: "/proc/sys/kernel/unprivileged_userns_clone",
    closedValue: "0",
    remedy: "kernel.unprivileged_userns_clone=1",
  },
  { file: "/proc/sys/user/max_user_namespaces", closedValue: "0", remedy: "user.max_user_namespaces=15000" },
  {
    file: "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
    closedValue: "1",
    remedy: "kernel.apparmor_restrict_unprivileged_userns=0",
  },
] as const;

function mentionsUser(file: string, user: string): boolean {
  return readText(file)
    .split("\n")
    .some((line) => line.startsWith(`${user}:`) || line.startsWith(`${process.getuid?.()}:`));
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function isAllowed(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
