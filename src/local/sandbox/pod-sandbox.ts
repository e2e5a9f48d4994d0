// One pod: a network, process, hostname, IPC and mount namespace, held by a small shell process, and the container
// processes started in them. Everything that runs in the pod's network namespace ends with close().

import type { StdioOptions } from "node:child_process";
import { spawn } from "node:child_process";
import { mkdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Logger } from "../../core/logger.ts";
import type { IpCommandBatch } from "../network/ip-command-batch.ts";
import { parseIpv4 } from "../network/ipv4-range.ts";
import type { RestoreCommand } from "../network/packet-filter.ts";
import { findTool, requireTool, toolPath } from "../network/run-tool.ts";
import { buildContainerCommand, type ContainerCapabilities } from "./container-command.ts";
import type { ContainerProcess } from "./entered-process.ts";
import { enteredProcess } from "./entered-process.ts";
import { podFileSystemView } from "./file-system-view.ts";
import type { ContainerMount, FileSystemView, MountPlan } from "./mount-plan.ts";
import { planMounts } from "./mount-plan.ts";
import { endProcessesOf, networkNamespaceOf } from "./namespace-processes.ts";
import { openSocketsIn, type PassedSocket, type SocketOwner, type SocketRequest } from "./open-sockets.ts";
import { closeWriteEnds, type OutputPipes, outputPipesIn } from "./output-pipes.ts";
import type { PodIdentity } from "./pod-holder.ts";
import { filesDirectoryOf, holderReady, pipesDirectoryOf, spawnHolder, writePodFiles } from "./pod-holder.ts";

export interface SpawnOptions {
  readonly argv: readonly string[];
  /** The whole environment of the process. */
  readonly env: Readonly<Record<string, string>>;
  /** `/` unless said otherwise. */
  readonly cwd?: string;
  /** 0 is the user who runs the mesh, with or without root. */
  readonly uid: number;
  readonly gid: number;
  /** Groups besides `gid`. */
  readonly groups?: readonly number[];
  readonly capabilities?: ContainerCapabilities;
  readonly mounts?: readonly ContainerMount[];
  /** Paths that `uid` may reach though they lie under a closed directory; never what a manifest says. */
  readonly reachable?: readonly string[];
  readonly stdio?: StdioOptions;
}

export interface PodSandbox {
  /** `namespace/name`. */
  readonly podKey: string;
  readonly ip: string;
  /** Good for Envoy's `network_namespace_filepath` and nsenter, inside the mesh. */
  readonly networkNamespacePath: string;
  /** Resolves, with the holder's exit code, when the pod's namespaces are gone; that is after close() unless it was killed. */
  readonly ended: Promise<void>;
  /** One sentence on a mount that can't be made, or undefined: to ask before spawn(), which throws then. */
  mountObjection(options: Pick<SpawnOptions, "mounts" | "uid" | "gid">): string | undefined;
  /**
   * Starts a process. When it ends, what is left of its process group is killed.
   * With `pipe`, `stdout` and `stderr` are streams of their own: await their end rather than the child's `close`.
   */
  spawn(options: SpawnOptions): ContainerProcess;
  /** The command line that spawn() would run, for a caller that starts it elsewhere, as with a terminal. */
  command(options: SpawnOptions): {
    readonly argv: readonly string[];
    readonly environment: Readonly<Record<string, string>>;
  };
  /** Applies text of iptables-save's form in the pod's namespace, in place of the rules there. */
  restore(rules: { readonly ipv4: string; readonly ipv6?: string }): Promise<void>;
  /** Sockets that listen in the pod's network namespace and are this process's to use, whoever `owner` is. */
  openSockets(requests: readonly SocketRequest[], owner?: SocketOwner): Promise<readonly PassedSocket[]>;
  close(): Promise<void>;
}

export type PodSandboxOptions = PodIdentity;

/** What all pods of a mesh share. */
export interface SandboxContext {
  readonly bridge: string;
  readonly bridgeIp: string;
  readonly ipCommands: IpCommandBatch;
  readonly restoreCommand: RestoreCommand;
  readonly log: Logger;
}

export async function createPodSandbox(
  options: PodSandboxOptions,
  context: SandboxContext,
): Promise<PodSandbox> {
  const { podKey, ip } = options;
  const linkName = hostLinkName(ip);
  const directories = (options.directories ?? []).map((directory) => realpathSync(directory));
  const filesDirectory = filesDirectoryOf(podKey);
  const removeFiles = () => {
    for (const directory of [filesDirectory, pipesDirectoryOf(podKey)])
      rmSync(directory, { recursive: true, force: true });
  };
  writePodFiles(filesDirectory, { ...options, nameserver: context.bridgeIp });
  const { bridgeIp } = context;
  const holder = spawnHolder({ ...options, directories, filesDirectory, linkName, bridgeIp });
  const ended = new Promise<void>((resolve) => {
    holder.once("exit", () => resolve());
    holder.once("error", () => resolve());
  });
  try {
    await holderReady(holder, podKey);
    await context.ipCommands.run([`link set ${linkName} master ${context.bridge} up`]);
  } catch (cause) {
    holder.kill("SIGKILL");
    removeFiles();
    throw cause;
  }
  const holderPid = holder.pid ?? unreachable();
  const networkNamespace = networkNamespaceOf(holderPid);
  const outputPipes = outputPipesIn(pipesDirectoryOf(podKey));
  const view = podFileSystemView(directories);
  const command = (spawnOptions: SpawnOptions) => buildCommand(spawnOptions, { holderPid, view });
  return {
    podKey,
    ip,
    networkNamespacePath: `/proc/${holderPid}/ns/net`,
    ended,
    mountObjection(spawnOptions) {
      const plan = planFor(spawnOptions, view);
      return plan.kind === "refused" ? plan.sentence : undefined;
    },
    command,
    spawn: (spawnOptions) =>
      spawnContainer(command(spawnOptions), { stdio: spawnOptions.stdio ?? "pipe", outputPipes }),
    async restore(rules) {
      const enter = ["nsenter", `--target=${holderPid}`, "--net", "--"] as const;
      await requireTool([...enter, context.restoreCommand, "--wait"], rules.ipv4);
      if (rules.ipv6 === undefined) return;
      await requireTool([...enter, `ip6${context.restoreCommand.slice(2)}`, "--wait"], rules.ipv6);
    },
    openSockets: (requests, owner) =>
      openSocketsIn(holderPid, { requests, ...(owner === undefined ? {} : { owner }) }),
    async close() {
      const killedCount = await endProcessesOf(networkNamespace, { except: holderPid });
      holder.kill("SIGKILL");
      await ended;
      // The kernel takes namespaces down late; a pod that comes back with this address needs the name free now.
      await context.ipCommands.run([`link delete ${linkName}`]).catch(() => undefined);
      removeFiles();
      context.log.debug({ podKey, killedCount }, "pod sandbox closed");
    },
  };
}

/** The name of a pod's link on the mesh's side: `mlt` and its address in hexadecimal. */
export function hostLinkName(ip: string): string {
  return `mlt${(parseIpv4(ip) ?? 0).toString(16).padStart(8, "0")}`;
}

type PlanInput = Pick<SpawnOptions, "mounts" | "reachable" | "uid" | "gid">;

function planFor({ mounts = [], reachable = [], uid, gid }: PlanInput, view: FileSystemView): MountPlan {
  const targets = mounts.map((mount) => mount.target);
  // What a volume provides is found there, not on the machine.
  const needed = reachable.filter(
    (path) => !targets.some((target) => path === target || path.startsWith(`${target}/`)),
  );
  return planMounts({ mounts, reachable: needed, uid, gid }, view);
}

function buildCommand(
  options: SpawnOptions,
  { holderPid, view }: { readonly holderPid: number; readonly view: FileSystemView },
): ReturnType<typeof buildContainerCommand> {
  const plan = planFor(options, view);
  if (plan.kind === "refused") throw new Error(plan.sentence);
  for (const { path, kind } of plan.create) {
    mkdirSync(kind === "directory" ? path : dirname(path), { recursive: true });
    if (kind === "file") writeFileSync(path, "", { flag: "a" });
  }
  const { argv, env, cwd = "/", uid, gid, groups = [], capabilities = "none" } = options;
  return buildContainerCommand(
    { holderPid, argv, env, cwd, uid, gid, groups, capabilities, steps: plan.steps },
    { path: toolPath(), nsenter: findTool("nsenter") ?? "nsenter" },
  );
}

function spawnContainer(
  command: ReturnType<typeof buildContainerCommand>,
  { stdio, outputPipes }: { stdio: StdioOptions; outputPipes: OutputPipes },
): ContainerProcess {
  const [program = "nsenter", ...args] = command.argv;
  const wanted = typeof stdio === "string" ? [stdio, stdio, stdio] : [...stdio];
  const pipes = new Map(
    [1, 2].filter((fd) => wanted[fd] === "pipe").map((fd) => [fd, outputPipes.open()] as const),
  );
  const child = spawn(program, args, {
    stdio: wanted.map((entry, fd) => pipes.get(fd)?.writeFd ?? entry),
    env: command.environment,
    detached: true,
  });
  closeWriteEnds([...pipes.values()]);
  child.stdout ??= pipes.get(1)?.readable ?? null;
  child.stderr ??= pipes.get(2)?.readable ?? null;
  child.once("exit", () => {
    if (child.pid !== undefined) killGroup(child.pid);
  });
  return enteredProcess(child);
}

function killGroup(leaderPid: number): void {
  try {
    process.kill(-leaderPid, "SIGKILL");
  } catch {
    // Nothing of the group is left: the usual case.
  }
}

function unreachable(): never {
  throw new Error("The holder was ready without a pid");
}
