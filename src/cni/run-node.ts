// What the DaemonSet runs on each node: installs the shim, answers it, keeps it chained, and repairs pods that started
// without it. At its end it leaves all in place for a successor, unless the DaemonSet itself is being removed.

import { mkdir } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { systemClock } from "../core/clock.ts";
import { startListening } from "../core/listening.ts";
import type { Logger } from "../core/logger.ts";
import { type ApiClient, createApiClient } from "../kubernetes/api-client.ts";
import { isApiError } from "../kubernetes/api-error.ts";
import { openInClusterEndpoint } from "../kubernetes/in-cluster-endpoint.ts";
import { readVersion } from "../process/project.ts";
import { openChainedConfiguration } from "./chained-configuration.ts";
import { startMeshNamespaces } from "./mesh-namespaces.ts";
import { SHIM_NAME } from "./network-configuration.ts";
import type { PodWithStatus } from "./pod-decision.ts";
import { findPodNamespace } from "./pod-namespace.ts";
import { type RepairMode, repairModes, startPodRepair } from "./pod-repair.ts";
import { installShim, removeShim } from "./shim-program.ts";
import { capturePod, startShimServer } from "./shim-server.ts";

/** Resolves when the process may end: after SIGTERM or SIGINT. Throws where the node can't be served. */
export async function runNode(env: NodeJS.ProcessEnv, log: Logger): Promise<void> {
  const settings = readSettings(env);
  const client = await openClient(env);
  const stopped = awaitStop();
  const node = await startNode(settings, client, log);
  const health = healthServer(() => node.isInstalled);
  // For kubelet alone.
  await startListening(health, { port: settings.healthPort, host: "127.0.0.1" }, log);
  log.info({ ...settings }, "cni ready");
  const signal = await stopped;
  const isRemoved = await isBeingRemoved(settings, client, log);
  log.info({ signal, isRemoved }, "cni ending");
  await node.end(isRemoved);
  health.close();
  client.close();
}

/** Paths are the node's folders as this container mounts them, or, for the state folder, as both see it. */
interface CniSettings {
  readonly nodeName: string;
  readonly namespace: string;
  readonly daemonSet: string;
  readonly netDirectory: string;
  readonly binDirectory: string;
  readonly shimPath: string;
  readonly stateDirectory: string;
  readonly hostRoot: string;
  readonly excludedNamespaces: readonly string[];
  readonly repairMode: RepairMode;
  readonly prefersNft: boolean;
  readonly healthPort: number;
}

function readSettings(env: NodeJS.ProcessEnv): CniSettings {
  const { NODE_NAME: nodeName, POD_NAMESPACE: namespace = "meltemi-system" } = env;
  if (nodeName === undefined) throw new Error("NODE_NAME isn't set");
  const excluded = (env.EXCLUDED_NAMESPACES ?? "kube-system").split(",").filter((name) => name !== "");
  const repairMode = repairModes.find((mode) => mode === (env.REPAIR_MODE ?? "repair"));
  if (repairMode === undefined)
    throw new Error(`REPAIR_MODE "${env.REPAIR_MODE}" isn't one of ${repairModes}`);
  return {
    nodeName,
    namespace,
    daemonSet: env.DAEMONSET_NAME ?? SHIM_NAME,
    netDirectory: env.CNI_NET_DIR ?? "/host/etc/cni/net.d",
    binDirectory: env.CNI_BIN_DIR ?? "/host/opt/cni/bin",
    shimPath: env.SHIM_PATH ?? `/opt/meltemi/${SHIM_NAME}`,
    stateDirectory: env.STATE_DIRECTORY ?? "/var/lib/meltemi-cni",
    hostRoot: env.HOST_ROOT ?? "",
    excludedNamespaces: [...new Set([namespace, ...excluded])],
    repairMode,
    prefersNft: env.NATIVE_NFTABLES === "true",
    healthPort: Number(env.HEALTH_PORT ?? 8000),
  };
}

async function openClient(env: NodeJS.ProcessEnv): Promise<ApiClient> {
  const endpoint = await openInClusterEndpoint({ clock: systemClock, environment: env });
  if (endpoint === undefined)
    throw new Error("KUBERNETES_SERVICE_HOST isn't set: this program runs in a pod");
  return createApiClient(endpoint, { clock: systemClock, userAgent: `meltemi-cni/${readVersion()}` });
}

interface NodeParts {
  readonly isInstalled: boolean;
  end(isRemoved: boolean): Promise<void>;
}

/** The shim is chained last: from then on pods wait for what was started before. */
async function startNode(settings: CniSettings, client: ApiClient, log: Logger): Promise<NodeParts> {
  const { stateDirectory, excludedNamespaces, binDirectory, netDirectory, prefersNft } = settings;
  await mkdir(stateDirectory, { recursive: true, mode: 0o700 });
  const socketPath = join(stateDirectory, "cni.sock");
  const meshNamespacesFile = join(stateDirectory, "mesh-namespaces");
  const common = { client, clock: systemClock, log };
  const namespaces = await startMeshNamespaces({ ...common, path: meshNamespacesFile, excludedNamespaces });
  const server = await startShimServer({
    ...settings,
    socketPath,
    log,
    getPod: (name) => getPod(client, name),
    isMeshNamespace: namespaces.has,
  });
  const repair = startPodRepair({
    ...common,
    nodeName: settings.nodeName,
    mode: settings.repairMode,
    capture: (pod) => captureRunning(pod, { prefersNft, log }),
  });
  await installShim(settings.shimPath, binDirectory);
  const plugin = { type: SHIM_NAME, socket: socketPath, meshNamespacesFile };
  const chained = await openChainedConfiguration({ directory: netDirectory, plugin, log });
  return {
    get isInstalled() {
      return chained.isInstalled;
    },
    async end(isRemoved) {
      repair.close();
      if (isRemoved) await chained.uninstall();
      else await chained.close();
      await server.close();
      if (isRemoved) await removeShim(binDirectory);
      if (isRemoved) await namespaces.remove();
      else await namespaces.close();
    },
  };
}

async function getPod(
  client: ApiClient,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): Promise<PodWithStatus | undefined> {
  try {
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`;
    return (await client.request({ path })) as PodWithStatus;
  } catch (error) {
    if (isApiError(error, 404)) return undefined;
    throw error;
  }
}

async function captureRunning(
  pod: PodWithStatus,
  options: { readonly prefersNft: boolean; readonly log: Logger },
): Promise<void> {
  const { namespace = "default", name = "" } = pod.metadata;
  const addresses = (pod.status?.podIPs ?? []).map(({ ip }) => ip);
  const namespacePath = await findPodNamespace(addresses);
  if (namespacePath === undefined)
    throw new Error(`no network namespace of this node has ${addresses.join(" or ") || "its address"}`);
  await capturePod(pod, { ...options, name: { namespace, name }, namespacePath });
}

/**
 * An update or a restart leaves the DaemonSet and its namespace. When nobody can tell, a successor is assumed; when we
 * may ask no more, our account is gone, and there won't be one.
 */
async function isBeingRemoved(
  { namespace, daemonSet }: CniSettings,
  client: ApiClient,
  log: Logger,
): Promise<boolean> {
  const paths = [
    `/apis/apps/v1/namespaces/${namespace}/daemonsets/${daemonSet}`,
    `/api/v1/namespaces/${namespace}`,
  ];
  try {
    const objects = await Promise.all(paths.map((path) => client.request({ path, timeoutMs: 5_000 })));
    return (objects as { metadata: { deletionTimestamp?: string } }[]).some(
      ({ metadata }) => metadata.deletionTimestamp !== undefined,
    );
  } catch (error) {
    if ([401, 403, 404].some((status) => isApiError(error, status))) return true;
    log.warn({ reason: error instanceof Error ? error.message : String(error) }, "daemonset not found out");
    return false;
  }
}

function awaitStop(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve(signal));
  });
}

function healthServer(isReady: () => boolean): Server {
  return createServer((request, response) => {
    const isGood = request.url === "/healthz" || (request.url === "/readyz" && isReady());
    response
      .writeHead(isGood ? 200 : 503)
      .end(isGood ? "ok\n" : "no network is configured on this node yet\n");
  });
}
