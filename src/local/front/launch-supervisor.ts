// Starts a mesh's supervisor in namespaces of its own and holds its lifetime: when either the front or the
// supervisor dies, however it dies, the kernel ends every process of the mesh. Leaves nothing on the machine.

import type { ChildProcess, IOType } from "node:child_process";
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { Clock } from "../../core/clock.ts";
import { systemClock } from "../../core/clock.ts";
import { toolPath } from "../network/run-tool.ts";
import { type MeshPrivilege, unshareArguments } from "./machine-ability.ts";
import { meshInitScript } from "./mesh-init-script.ts";

export interface SupervisorLaunch {
  readonly privilege: MeshPrivilege;
  /** The mesh's state directory; `run` in it becomes, inside, the mesh's root. */
  readonly stateDirectory: string;
  /** The supervisor's whole command line, such as `[process.execPath, "supervisor.js"]`; it is a Node program with an IPC channel. */
  readonly argv: readonly [string, ...string[]];
  readonly workingDirectory?: string;
  readonly environment?: NodeJS.ProcessEnv;
  /** Where the supervisor's standard output and error go: `inherit` unless said otherwise. */
  readonly output?: IOType;
  readonly clock?: Clock;
  /** Ends the launch, and whatever it has started. Default: nothing does. */
  readonly signal?: AbortSignal;
}

export interface SupervisorExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface SupervisorProcess {
  /** The channel to the supervisor: `send`, `message`, and `stdout` where output is `pipe`. Its pid is that of unshare. */
  readonly channel: ChildProcess;
  /** A process of the machine's whose user, mount and network namespaces are the mesh's. */
  readonly namespacesPid: number;
  readonly exited: Promise<SupervisorExit>;
  /** Closes the channel, upon which the supervisor is to end by itself; after `graceMs` everything is killed. */
  close(options?: { graceMs?: number }): Promise<SupervisorExit>;
}

/** Rejects, with the tools' own words, where the namespaces can't be made: `probeMachine` tells beforehand in a sentence. */
export async function launchSupervisor(launch: SupervisorLaunch): Promise<SupervisorProcess> {
  const { clock = systemClock } = launch;
  launch.signal?.throwIfAborted();
  const channel = spawnInNamespaces(launch);
  const exited = new Promise<SupervisorExit>((resolve) => {
    channel.once("exit", (code, signal) => resolve({ code, signal }));
    channel.once("error", () => resolve({ code: null, signal: null }));
  });
  const words = readWords(channel.stderr);
  const kill = () => channel.kill("SIGKILL");
  launch.signal?.addEventListener("abort", kill);
  await Promise.race([
    namespacesReady(channel),
    exited.then(({ code }) => {
      launch.signal?.throwIfAborted();
      throw new Error(`Cannot make the mesh's namespaces (exit code ${code}): ${words()}`);
    }),
  ]).finally(() => launch.signal?.removeEventListener("abort", kill));
  // The message is handled by the caller, who may not listen yet; a channel error is the exit of the supervisor.
  channel.on("error", () => undefined);
  return {
    channel,
    namespacesPid: channel.pid ?? fail("the supervisor has no pid"),
    exited,
    async close({ graceMs = 10_000 } = {}) {
      if (channel.connected) channel.disconnect();
      const cancel = clock.after(graceMs, () => channel.kill("SIGKILL"));
      const exit = await exited;
      cancel();
      return exit;
    },
  };
}

/** argv that runs a command inside the mesh from the machine's side, with the caller's own terminal. */
export function enterMeshCommand(
  supervisor: { readonly namespacesPid: number },
  options: { readonly privilege: MeshPrivilege; readonly argv: readonly string[] },
): readonly [string, ...string[]] {
  const user = options.privilege === "root" ? [] : ["--user", "--preserve-credentials"];
  const target = `--target=${supervisor.namespacesPid}`;
  // The mesh's pid namespace is that of unshare's children, and its mount namespace has the mesh's root.
  const spaces = [
    "--mount",
    "--net",
    "--uts",
    "--ipc",
    `--pid=/proc/${supervisor.namespacesPid}/ns/pid_for_children`,
  ];
  return ["nsenter", target, ...user, ...spaces, "--root", "--", ...options.argv];
}

function spawnInNamespaces(launch: SupervisorLaunch): ChildProcess {
  const root = join(launch.stateDirectory, "run");
  mkdirSync(root, { recursive: true, mode: 0o700 });
  const directory = launch.workingDirectory ?? process.cwd();
  const init = ["sh", "-c", meshInitScript, "meltemi-init", root, directory, ...launch.argv];
  // unshare dies with the front (pdeathsig), pid 1 with unshare (--kill-child), and all the others with pid 1.
  return spawn(
    "setpriv",
    ["--pdeathsig", "KILL", "unshare", ...unshareArguments(launch.privilege), ...init],
    {
      cwd: "/",
      env: {
        ...(launch.environment ?? process.env),
        PATH: toolPath((launch.environment ?? process.env).PATH),
      },
      stdio: ["ignore", launch.output ?? "inherit", launch.output ?? "inherit", "ipc", "pipe"],
      // A session of its own: Ctrl-C reaches the front alone, which ends the mesh in order.
      detached: true,
      serialization: "json",
    },
  );
}

function namespacesReady(channel: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    const status = channel.stdio[4] as Readable | null | undefined;
    status?.once("data", () => {
      status.destroy();
      resolve();
    });
    status?.on("error", () => undefined);
  });
}

function readWords(stderr: Readable | null): () => string {
  let words = "";
  const listener = (chunk: Buffer): void => {
    words = (words + chunk.toString("utf8")).slice(-2_000);
  };
  stderr?.on("data", listener);
  return () => (stderr === null ? "see the messages above" : words.trim());
}

function fail(reason: string): never {
  throw new Error(reason);
}
