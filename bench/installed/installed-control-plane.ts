// The shipped control plane as its image starts it, against an API server, with plaintext xDS on loopback for simulated
// sidecars. Its parent asks it by IPC what it has used.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { projectPath } from "../../src/process/project.ts";
import { controlPlaneNodeFlags } from "../../tools/images/product-images.ts";
import { cpuSecondsOf } from "../process-times.ts";

export interface ProcessUsage {
  /** User and system time of all threads. */
  readonly cpuMs: number;
  readonly rssBytes: number;
  readonly peakRssBytes: number;
  /** CPU of the longest stretch in which the loop was held since the last time, where it was watched. */
  readonly heldMs: number;
}

export interface InstalledControlPlane {
  readonly plaintextPort: number;
  readonly monitoringPort: number;
  /** From its start until it said that it is ready. */
  readonly start: { readonly wallSeconds: number; readonly cpuSeconds: number; readonly heldMs: number };
  /** `isWatched`: how long its loop is held is measured from now on, which costs up to 10 ms a second. */
  usage(how?: { readonly isWatched: boolean }): Promise<ProcessUsage>;
  /** Events of its log so far. */
  readonly events: readonly { readonly msg: string; readonly [field: string]: unknown }[];
  close(): Promise<void>;
}

export interface InstalledControlPlaneOptions {
  readonly kubeconfigPath: string;
  readonly namespace: string;
  readonly profileDirectory: string | undefined;
}

export async function startInstalledControlPlane(
  options: InstalledControlPlaneOptions,
): Promise<InstalledControlPlane> {
  const plaintextPort = await freePort();
  const ports = ["--xds-port", "0", "--monitoring-port", "0", "--webhook-port", "0"];
  const flags = [...ports, "--plaintext-port", String(plaintextPort)];
  const startedMs = performance.now();
  const child = fork(
    projectPath("dist/control-plane.js"),
    ["--kubernetes", "--kubeconfig", options.kubeconfigPath, ...flags],
    {
      execArgv: [...controlPlaneNodeFlags, ...witnessFlags, ...profileFlags(options.profileDirectory)],
      env: { ...process.env, NODE_ENV: "production", POD_NAME: "bench", POD_NAMESPACE: options.namespace },
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    },
  );
  const events: { msg: string; [field: string]: unknown }[] = [];
  const { monitoringPort } = await untilReady(child, events);
  const wallSeconds = (performance.now() - startedMs) / 1_000;
  const cpuSeconds = await cpuSecondsOf([child.pid ?? 0]);
  const { heldMs } = await usageOf(child, { isWatched: false });
  return {
    plaintextPort,
    monitoringPort,
    start: { wallSeconds, cpuSeconds, heldMs },
    usage: (how = { isWatched: false }) => usageOf(child, how),
    events,
    async close() {
      const ended = once(child, "exit");
      child.disconnect();
      await ended;
    },
  };
}

const witnessFlags = ["--import", fileURLToPath(new URL("./witness.mjs", import.meta.url))];

function profileFlags(directory: string | undefined): readonly string[] {
  return directory === undefined
    ? []
    : ["--cpu-prof", "--cpu-prof-dir", directory, "--cpu-prof-interval", "200"];
}

function untilReady(
  child: ChildProcess,
  events: { msg: string; [field: string]: unknown }[],
): Promise<{ readonly monitoringPort: number }> {
  return new Promise((resolve, reject) => {
    if (child.stderr === null) throw new Error("No standard error");
    createInterface({ input: child.stderr }).on("line", (line) => {
      if (!line.startsWith("{")) process.stderr.write(`${line}\n`);
      else {
        const event = JSON.parse(line) as { msg: string; monitoringPort: number };
        events.push(event);
        if (event.msg === "control plane ready") resolve(event);
      }
    });
    child.once("exit", (code) => reject(new Error(`The control plane ended with ${code}`)));
  });
}

async function usageOf(child: ChildProcess, how: { readonly isWatched: boolean }): Promise<ProcessUsage> {
  const answer = once(child, "message");
  child.send(how);
  const [usage] = await answer;
  return usage as ProcessUsage;
}

/** That was free a moment ago: zero is no plaintext port. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
