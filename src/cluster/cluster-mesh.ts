// A mesh in a cluster, asked through its API server with the rights of whoever asks. It reads; what `exec` runs is
// the user's own.

import type {
  IssuerKeysReport,
  LogScopeReport,
  ProgrammedReport,
  ProxyStatus,
  PushReport,
  TrafficWindowReport,
  UninjectedPods,
  VersionReport,
} from "../admin/contract/control-plane.ts";
import type { CommandRequest, LogQuery, Mesh, PodName } from "../admin/contract/mesh.ts";
import type { LogLine } from "../admin/contract/supervisor.ts";
import { objectKey } from "../core/object-key.ts";
import type { Kind, KubernetesObject } from "../kinds/define-kind.ts";
import type { Pod } from "../kinds/pod/pod.ts";
import { isApiError } from "../kubernetes/api-error.ts";
import { getObject } from "../kubernetes/api-objects.ts";
import { resourceOfKind } from "../kubernetes/api-resource.ts";
import type { CommandStreams } from "../kubernetes/remote-command.ts";
import { runRemoteCommand } from "../kubernetes/remote-command.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { listAll } from "./cluster-access.ts";
import { ClusterRefusal } from "./cluster-refusal.ts";
import type { ControlPlanePlace } from "./control-plane-replicas.ts";
import { askReplicas, findReplicas, podResource } from "./control-plane-replicas.ts";
import { mergeProgrammed } from "./merge-programmed.ts";
import { mergeUninjected } from "./merge-uninjected.ts";
import { containerLines, interleave } from "./pod-logs.ts";
import { readPodPage } from "./pod-page.ts";
import { applicationContainers, buildPodReport } from "./pod-report.ts";
import { tapPod } from "./pod-tap.ts";

export interface ClusterMeshOptions extends ClusterAccess {
  readonly controlPlanes: ControlPlanePlace;
  /** This process's own; called when a command begins. */
  readonly takeTerminal: (choices: { readonly isTty: boolean }) => TakenTerminal;
}

export interface TakenTerminal {
  readonly streams: CommandStreams;
  /** Puts the terminal back. */
  release(): void;
}

const ENVOY_ADMIN_PORT = 15000;

/** What stands in the way is thrown: a ClusterRefusal, an ApiError, or what the connection threw. */
export function createClusterMesh(options: ClusterMeshOptions): Mesh {
  const { client, controlPlanes } = options;
  const ask = <T>(path: string) => askReplicas<T>(options, controlPlanes, path);
  return {
    problemsHint: "its conditions say what is wrong: meltemi get KIND NAME -o yaml",
    objects: (kind, namespace) => listObjects(options, kind, namespace),
    pods: async (namespace) => (await listPods(options, namespace)).map(buildPodReport),
    processes: async () => [],
    logs: (pod, query) => podLines(options, pod, query),
    exec: (pod, request) => execute(options, pod, request),
    envoy: (pod, path) => askEnvoy(options, pod, path),
    tap: (pod, query, signal) => tapPod(options, pod, { query, signal }),
    // An API server keeps objects, not the files that they came from.
    locate: async () => undefined,
    async proxies() {
      const answers = await ask<readonly ProxyStatus[]>("/proxies");
      return answers.flatMap(({ replica, answer }) =>
        answer.map((proxy) => ({ ...proxy, controlPlane: replica.pod })),
      );
    },
    async uninjected() {
      const answers = await ask<readonly UninjectedPods[]>("/uninjected");
      return mergeUninjected(answers.map(({ answer }) => answer));
    },
    async issuerKeys() {
      // All replicas have the same; one that has just started may have them first.
      const answers = await ask<readonly IssuerKeysReport[]>("/issuer-keys");
      return answers.flatMap(({ answer }) => answer);
    },
    async pushes(limit) {
      const answers = await ask<readonly PushReport[]>(`/pushes?limit=${limit}`);
      return answers
        .flatMap(({ replica, answer }) => answer.map((push) => ({ ...push, controlPlane: replica.pod })))
        .sort((one, other) => (one.at < other.at ? 1 : -1));
    },
    async traffic(windowMs) {
      const answers = await ask<TrafficWindowReport>(`/traffic?window=${windowMs}`);
      return answers.map(({ answer }) => answer);
    },
    async logScopes() {
      const answers = await ask<readonly LogScopeReport[]>("/scopej");
      return answers.flatMap(({ replica, answer }) =>
        answer.map((scope) => ({ ...scope, controlPlane: replica.pod })),
      );
    },
    async setLogLevel(scope, level) {
      const put = JSON.stringify({ output_level: level });
      await askReplicas(options, controlPlanes, `/scopej/${encodeURIComponent(scope)}`, { put });
    },
    async programmed(stored) {
      const { kind, metadata } = stored;
      const key = objectKey({ kind, namespace: metadata.namespace ?? "", name: metadata.name });
      const path = `/programmed?${new URLSearchParams({ object: key })}`;
      const answers = await ask<ProgrammedReport>(path);
      return mergeProgrammed(
        stored,
        answers.map(({ answer }) => answer),
      );
    },
    async controlPlanes() {
      if ((await findReplicas(options, controlPlanes)).length === 0) return [];
      const answers = await ask<VersionReport>("/version");
      return answers.map(({ replica, answer }) => ({
        version: answer.version,
        pod: replica.pod,
        revision: replica.revision,
      }));
    },
    close: () => client.close(),
  };
}

/** With kind and apiVersion, which items of a list lack, and without the bookkeeping of server-side apply. */
async function listObjects(
  options: ClusterMeshOptions,
  kind: Kind,
  namespace: string | undefined,
): Promise<readonly KubernetesObject[]> {
  if (kind.scope === "Pseudo") {
    const { usualNamespace: own } = options.controlPlanes;
    const hint = `meltemi get configmaps -n ${own} -o yaml`;
    throw new ClusterRefusal(`Cannot get ${kind.plural} of a cluster: it keeps them in a ConfigMap`, hint);
  }
  const place = kind.scope === "Namespaced" && namespace !== undefined ? { namespace } : {};
  const items = await listKind(options, kind, place);
  return items.map(({ metadata: { managedFields: _, ...metadata }, ...rest }) => ({
    ...rest,
    apiVersion: kind.apiVersion,
    kind: kind.kind,
    metadata,
  }));
}

async function listKind(options: ClusterMeshOptions, kind: Kind, place: { readonly namespace?: string }) {
  try {
    return await listAll(options, resourceOfKind(kind), place);
  } catch (error) {
    if (!isApiError(error, 404)) throw error;
    const message = `The cluster doesn't know ${kind.plural} of ${kind.apiVersion}`;
    throw new ClusterRefusal(message, "meltemi install brings their definitions");
  }
}

async function listPods(options: ClusterMeshOptions, namespace: string | undefined): Promise<readonly Pod[]> {
  return listAll<Pod>(options, podResource, namespace === undefined ? {} : { namespace });
}

async function getPod({ client }: ClusterMeshOptions, { namespace, name }: PodName): Promise<Pod> {
  const pod = await getObject(client, podResource, { namespace, name });
  if (pod === undefined) throw new ClusterRefusal(`There is no pod "${name}" in namespace "${namespace}"`);
  return pod as Pod;
}

async function* podLines(options: ClusterMeshOptions, pod: PodName, query: LogQuery): AsyncIterable<LogLine> {
  const { namespace, name } = pod;
  const names =
    query.container === undefined ? applicationContainers(await getPod(options, pod)) : [query.container];
  const stop = new AbortController();
  const signal = AbortSignal.any([query.signal, stop.signal]);
  const sources = names.map((container) =>
    containerLines(options, { namespace, pod: name, container }, { ...query, signal }),
  );
  try {
    if (query.isFollowing) yield* interleave(sources);
    else for (const source of sources) yield* source;
  } finally {
    stop.abort();
  }
}

async function execute(
  options: ClusterMeshOptions,
  pod: PodName,
  { command, container, isTty, signal }: CommandRequest,
): Promise<number> {
  const { client, clock } = options;
  const { namespace, name } = pod;
  const chosen = container ?? applicationContainers(await getPod(options, pod))[0] ?? "";
  const { release, streams } = options.takeTerminal({ isTty });
  try {
    const end = await runRemoteCommand(
      client,
      { namespace, pod: name, container: chosen, command, isTty },
      { clock, signal, ...streams },
    );
    if (end.kind === "exited") return end.exitCode;
    throw new ClusterRefusal(`Cannot run "${command[0]}" in pod "${name}": ${end.reason}`);
  } finally {
    release();
  }
}

async function askEnvoy(options: ClusterMeshOptions, pod: PodName, path: string): Promise<unknown> {
  const { namespace, name } = pod;
  const { status, text } = await readPodPage(options, { namespace, pod: name, port: ENVOY_ADMIN_PORT }, path);
  if (status === 200) return JSON.parse(text);
  throw new ClusterRefusal(
    `The Envoy of pod "${name}" answers ${path} with ${status}: ${text.slice(0, 200)}`,
  );
}
