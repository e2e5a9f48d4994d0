// Answers the shim on the node: finds out which pod a call is for, and captures it in its network namespace before any of
// its containers starts. A call that fails is refused, and kubelet tries again; one for another's pod is let through.

import { chmod, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { applyCapture } from "../capture/apply-capture.ts";
import { createCommandRunner } from "../capture/run-command.ts";
import { startListening } from "../core/listening.ts";
import type { Logger } from "../core/logger.ts";
import { formatProblem } from "../core/problem.ts";
import type { InjectablePod } from "../inject/injectable-pod.ts";
import { decidePodCapture } from "./pod-decision.ts";

export interface PodName {
  readonly namespace: string;
  readonly name: string;
}

export interface ShimServerOptions {
  readonly socketPath: string;
  /** Undefined where there is none (any more). Rejects while the API server can't be asked. */
  readonly getPod: (name: PodName) => Promise<InjectablePod | undefined>;
  /** Namespaces whose pods are never captured and never wait for us: our own and the system's. */
  readonly excludedNamespaces: readonly string[];
  /** Whose pods wait where nobody can be asked about them; others start, injected ones behind their validation. */
  readonly isMeshNamespace: (namespace: string) => boolean;
  /** Where this process sees the node's files, such as `/proc/1/root`; empty: at the same place. */
  readonly hostRoot: string;
  readonly prefersNft?: boolean;
  readonly log: Logger;
}

export interface ShimServer {
  close(): Promise<void>;
}

const MAX_CALL_BYTES = 1 << 20;

/** Replaces a socket that a predecessor left. */
export async function startShimServer(options: ShimServerOptions): Promise<ShimServer> {
  const { socketPath, log } = options;
  const calls = new Set<Promise<void>>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", (error) => log.debug({ reason: error.message }, "shim went away"));
    const call = answer(socket, options).finally(() => calls.delete(call));
    calls.add(call);
  });
  await rm(socketPath, { force: true });
  await startListening(server, { path: socketPath }, log);
  // The runtime runs plugins as root; nobody else may have pods captured.
  await chmod(socketPath, 0o600);
  return {
    async close() {
      server.close();
      await Promise.all(calls);
    },
  };
}

async function answer(socket: Socket, options: ShimServerOptions): Promise<void> {
  try {
    await handleCall(parseCall(await readAll(socket)), options);
    socket.end("ok");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    options.log.warn({ reason }, "pod refused");
    socket.end(reason);
  }
}

/** By events: iterating over the socket would close its other half, too. */
function readAll(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => {
      text += chunk;
      if (text.length > MAX_CALL_BYTES) reject(new Error(`A call has more than ${MAX_CALL_BYTES} bytes`));
    });
    socket.once("end", () => resolve(text));
    socket.once("close", () => reject(new Error("The shim went away")));
  });
}

interface ShimCall {
  readonly command: string;
  readonly namespacePath: string;
  readonly pod: PodName | undefined;
}

/** `CNI_…=…` lines, an empty one, and the configuration, of which we need nothing. */
export function parseCall(text: string): ShimCall {
  const [head = ""] = text.split("\n\n", 1);
  const env = pairsOf(head.split("\n"));
  const args = pairsOf((env.get("CNI_ARGS") ?? "").split(";"));
  const [namespace, name] = [args.get("K8S_POD_NAMESPACE"), args.get("K8S_POD_NAME")];
  return {
    command: env.get("CNI_COMMAND") ?? "",
    namespacePath: env.get("CNI_NETNS") ?? "",
    pod: namespace && name ? { namespace, name } : undefined,
  };
}

function pairsOf(lines: readonly string[]): ReadonlyMap<string, string> {
  return new Map(lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
}

async function handleCall(call: ShimCall, options: ShimServerOptions): Promise<void> {
  const { command, pod: name, namespacePath } = call;
  const { excludedNamespaces, hostRoot, log } = options;
  // Not Kubernetes' pod, or one that may never wait for us.
  if (command !== "ADD" || name === undefined || excludedNamespaces.includes(name.namespace)) return;
  const pod = await findPod(name, options);
  if (pod === undefined) return;
  await capturePod(pod, { ...options, name, namespacePath: `${hostRoot}${namespacePath}`, log });
}

/** Undefined for one that is let through. */
async function findPod(name: PodName, options: ShimServerOptions): Promise<InjectablePod | undefined> {
  const { getPod, isMeshNamespace, log } = options;
  try {
    const pod = await getPod(name);
    // One that was deleted meanwhile, or that kubelet has from a file of its node: never injected.
    if (pod === undefined) log.debug({ ...name, reason: "the API server has none" }, "pod not captured");
    return pod;
  } catch (error) {
    if (isMeshNamespace(name.namespace)) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    log.warn({ ...name, reason }, "pod let through unseen");
    return undefined;
  }
}

export interface CapturePodOptions extends Pick<ShimServerOptions, "prefersNft" | "log"> {
  readonly name: PodName;
  readonly namespacePath: string;
}

/** Throws where the pod is to be captured and can't be. */
export async function capturePod(pod: InjectablePod, options: CapturePodOptions): Promise<void> {
  const { name, namespacePath, log, prefersNft = false } = options;
  const decision = decidePodCapture(pod);
  if (decision.kind === "skip") {
    log.debug({ ...name, reason: decision.reason }, "pod not captured");
    return;
  }
  if (decision.kind === "refuse") throw new Error(decision.problems.map(formatProblem).join("; "));
  const run = createCommandRunner({ namespacePath, env: lockless });
  const settings = { ...decision.settings, ipv6: await hasIpv6(run) };
  const backend = await applyCapture(settings, { run, prefersNft });
  log.info({ ...name, backend, mode: settings.mode }, "pod captured");
}

// Legacy iptables locks a file in /run, which is read-only here; nobody else writes rules into a pod that isn't started.
const lockless = { XTABLES_LOCKFILE: "/dev/null" };

async function hasIpv6(run: ReturnType<typeof createCommandRunner>): Promise<boolean> {
  const command = ["ip", "-6", "-oneline", "address", "show", "scope", "global"] as const;
  const { code, stdout } = await run({ command, input: "" });
  return code === 0 && stdout.trim() !== "";
}
