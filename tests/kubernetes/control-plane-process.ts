// A control plane as it runs in a cluster, started here as a process against a test's API server.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { programArgv } from "../../src/process/project.ts";
import type { ApiServer } from "./cluster/api-server.ts";

export interface ControlPlaneProcess {
  readonly pid: number;
  readonly xdsPort: number;
  readonly monitoringPort: number;
  readonly webhookPort: number;
  /** Events of its log so far. */
  readonly events: readonly { readonly msg: string; readonly [field: string]: unknown }[];
  kill(signal: NodeJS.Signals): void;
  /** Resolves with exit code and signal. */
  readonly ended: Promise<readonly [number | null, NodeJS.Signals | null]>;
}

export interface ControlPlaneProcessOptions {
  readonly podName: string;
  readonly revision?: string;
  /** Instead of the API server's administrator. */
  readonly kubeconfigPath?: string;
  /** Instead of the sources, such as a bundle. */
  readonly argv?: readonly string[];
}

interface ReadyEvent {
  readonly xdsPort: number;
  readonly monitoringPort: number;
  readonly webhookPort: number;
  readonly [field: string]: unknown;
}

const freePorts = ["xds", "monitoring", "webhook"].flatMap((name) => [`--${name}-port`, "0"]);

/** Resolves when it serves proxies. It is killed at the end of the test, if it still runs. */
export async function startControlPlane(
  t: TestContext,
  server: ApiServer,
  options: ControlPlaneProcessOptions,
): Promise<ControlPlaneProcess> {
  const {
    podName,
    revision = "default",
    kubeconfigPath = server.kubeconfigPath,
    argv = programArgv("control-plane"),
  } = options;
  const [command = "", ...args] = argv;
  const flags = ["--kubernetes", "--kubeconfig", kubeconfigPath, ...freePorts];
  const child = spawn(command, [...args, ...flags], {
    env: { ...process.env, POD_NAME: podName, POD_NAMESPACE: "meltemi-system", REVISION: revision },
    stdio: ["ignore", "ignore", "pipe"],
  });
  t.after(() => child.kill("SIGKILL"));
  const ended = once(child, "exit").then(([code, signal]) => [code, signal] as const);
  const events: { msg: string; [field: string]: unknown }[] = [];
  const lines: string[] = [];
  const ready = new Promise<ReadyEvent>((resolve, reject) => {
    createInterface({ input: child.stderr }).on("line", (line) => {
      lines.push(line);
      if (!line.startsWith("{")) return;
      const event = JSON.parse(line) as { msg: string } & ReadyEvent;
      events.push(event);
      if (event.msg === "control plane ready") resolve(event);
    });
    const fail = (reason: string) => reject(new Error(`${reason}:\n${lines.slice(-10).join("\n")}`));
    void ended.then(([code]) => fail(`The control plane ended with ${code}`));
    setTimeout(() => fail("The control plane wasn't ready in time"), 60_000).unref();
  });
  const { xdsPort, monitoringPort, webhookPort } = await ready;
  return {
    pid: child.pid ?? 0,
    xdsPort,
    monitoringPort,
    webhookPort,
    events,
    kill: (signal) => void child.kill(signal),
    ended,
  };
}
