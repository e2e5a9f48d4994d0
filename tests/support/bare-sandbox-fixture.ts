// Pods without namespaces: processes of the machine itself, so that the tests of the local runtime need no privilege.

import { spawn } from "node:child_process";
import { systemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/logger.ts";
import type { PodSandbox } from "../../src/local/sandbox/pod-sandbox.ts";
import type { ContainerLog } from "../../src/local/workloads/container-log.ts";
import { machineFiles } from "../../src/local/workloads/pod-files.ts";
import type { PodRuntime } from "../../src/local/workloads/pod-runtime.ts";
import { referencedObjects } from "./pod-fixture.ts";

export function bareSandbox(events: string[]): PodSandbox {
  return {
    podKey: "shop/reviews-1",
    ip: "127.0.0.1",
    networkNamespacePath: "",
    ended: new Promise(() => undefined),
    mountObjection: () => undefined,
    command: () => ({ argv: [], environment: {} }),
    spawn({ argv, env, cwd, stdio = "pipe" }) {
      const child = spawn(argv[0] ?? "", argv.slice(1), {
        env,
        stdio,
        ...(cwd === undefined ? {} : { cwd }),
      });
      return { child, pid: child.pid, kill: (signal) => void child.kill(signal) };
    },
    restore: async () => undefined,
    openSockets: async () => [],
    close: async () => {
      events.push("sandbox closed");
    },
  };
}

/** `events` is told what happens to the pod besides its log. */
export function bareSurroundings(
  directory: string,
  { events, log }: { readonly events: string[]; readonly log: ContainerLog },
): PodRuntime {
  const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  return {
    clock: systemClock,
    log: silentLogger,
    images: () => new Map(),
    objects: referencedObjects(),
    user: { ...user, replacesRoot: false, home: "/", path: process.env.PATH ?? "" },
    workingDirectory: directory,
    volumesDirectory: directory,
    fileSystem: machineFiles,
    machineRoot: "/",
    createSandbox: async () => bareSandbox(events),
    capture: async (_, { args = [] }) => {
      events.push(`capture ${args.join(" ")}`);
    },
    startSidecar: async () => {
      throw new Error("This pod has no sidecar");
    },
    issueToken: async ({ spec }, { audience }) => `token ${spec.serviceAccountName ?? "default"} ${audience}`,
    inTurn: (work) => work(),
    awaitEndpointRemoval: async () => {
      events.push("endpoints left");
    },
    containerLog: () => log,
    onProblem: () => undefined,
    onStatus: () => undefined,
  };
}
