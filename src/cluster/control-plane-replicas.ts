// Asks all replicas of all control planes: each knows the proxies that are connected to it, and no others.

import { isApiError } from "../kubernetes/api-error.ts";
import type { ApiResource } from "../kubernetes/api-resource.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { listAll } from "./cluster-access.ts";
import { ClusterRefusal } from "./cluster-refusal.ts";
import { type PodPageRequest, readPodPage } from "./pod-page.ts";

export interface Replica {
  readonly pod: string;
  readonly namespace: string;
  readonly revision: string;
}

export interface ReplicaAnswer<T> {
  readonly replica: Replica;
  readonly answer: T;
}

/** Where control planes are and how their objects are known: the installer's names. */
export interface ControlPlanePlace {
  /** Where they are looked for by who may not see where they are. */
  readonly usualNamespace: string;
  readonly labelSelector: string;
  readonly revisionLabel: string;
}

export const podResource: ApiResource = { kind: "Pod", apiVersion: "v1", plural: "pods", isNamespaced: true };

const MONITORING_PORT = 15014;

/** Throws a ClusterRefusal where no control plane runs, and where a replica fails to answer. */
export async function askReplicas<T>(
  access: ClusterAccess,
  place: ControlPlanePlace,
  path: string,
  request: PodPageRequest = {},
): Promise<readonly ReplicaAnswer<T>[]> {
  const askOnce = () => askEach(access, place, (replica) => ask<T>(access, replica, path, request));
  const first = await askOnce();
  if (first.kind === "answers") return first.answers;
  // A replica may have gone since it was listed; then the others are asked again, who have its proxies by now.
  const second = await askOnce();
  if (second.kind === "answers") return second.answers;
  throw second.error;
}

/** Empty where nothing is installed. */
export async function findReplicas(
  access: ClusterAccess,
  place: ControlPlanePlace,
): Promise<readonly Replica[]> {
  const pods = await listPods(access, place);
  return pods.filter(isRunning).map((pod) => replicaOf(pod, place));
}

async function askEach<T>(
  access: ClusterAccess,
  place: ControlPlanePlace,
  ask: (replica: Replica) => Promise<T>,
) {
  const pods = await listPods(access, place);
  const running = pods.filter(isRunning);
  if (running.length === 0) throw noneRuns(pods, place);
  const asked = await Promise.allSettled(
    running.map(async (pod) => ({
      replica: replicaOf(pod, place),
      answer: await ask(replicaOf(pod, place)),
    })),
  );
  // One that is ending may still have proxies; that it doesn't answer any more is no failure.
  const failure = asked.find(
    (outcome, index) => outcome.status === "rejected" && !isTerminating(running[index]),
  );
  if (failure?.status === "rejected") return { kind: "failed", error: failure.reason } as const;
  const answers = asked.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
  return { kind: "answers", answers } as const;
}

async function ask<T>(
  access: ClusterAccess,
  { namespace, pod }: Replica,
  path: string,
  request: PodPageRequest,
): Promise<T> {
  const place = { namespace, pod, port: MONITORING_PORT };
  const { status, text } = await readPodPage(access, place, path, request);
  if (status === 200 || status === 202) return JSON.parse(text) as T;
  throw new ClusterRefusal(`Control plane "${pod}" answers ${path} with ${status}: ${text.slice(0, 200)}`);
}

interface ControlPlanePod {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly status?: {
    readonly phase?: string;
    readonly containerStatuses?: readonly { readonly ready?: boolean }[];
  };
}

async function listPods(access: ClusterAccess, place: ControlPlanePlace): Promise<ControlPlanePod[]> {
  const { labelSelector } = place;
  const namespaces = await controlPlaneNamespaces(access, place);
  const lists = namespaces.map((namespace) =>
    listAll<ControlPlanePod>(access, podResource, { namespace, labelSelector }),
  );
  return (await Promise.all(lists)).flat();
}

const bindingResource: ApiResource = {
  kind: "ClusterRoleBinding",
  apiVersion: "rbac.authorization.k8s.io/v1",
  plural: "clusterrolebindings",
  isNamespaced: false,
};

interface Binding {
  readonly subjects?: readonly { readonly namespace?: string }[];
}

/** Of those who were given a control plane's rights: a label on a pod is anybody's word. */
async function controlPlaneNamespaces(
  access: ClusterAccess,
  { labelSelector, usualNamespace }: ControlPlanePlace,
): Promise<readonly string[]> {
  const namespaces = (await bindings(access, labelSelector)).flatMap(({ subjects = [] }) =>
    subjects.flatMap(({ namespace }) => namespace ?? []),
  );
  return namespaces.length === 0 ? [usualNamespace] : [...new Set(namespaces)].sort();
}

async function bindings(access: ClusterAccess, labelSelector: string): Promise<readonly Binding[]> {
  try {
    return await listAll<Binding>(access, bindingResource, { labelSelector });
  } catch (error) {
    if (isApiError(error, 403)) return [];
    throw error;
  }
}

/** One that isn't ready yet has read no objects and serves no proxies. */
function isRunning(pod: ControlPlanePod): boolean {
  const isReady = (pod.status?.containerStatuses ?? []).some(({ ready }) => ready === true);
  return pod.status?.phase === "Running" && (isReady || isTerminating(pod));
}

function isTerminating(pod: ControlPlanePod | undefined): boolean {
  return pod?.metadata.deletionTimestamp !== undefined;
}

function replicaOf({ metadata }: ControlPlanePod, { revisionLabel }: ControlPlanePlace): Replica {
  const revision = metadata.labels?.[revisionLabel] ?? "default";
  return { pod: metadata.name, namespace: metadata.namespace, revision };
}

function noneRuns(pods: readonly ControlPlanePod[], { usualNamespace }: ControlPlanePlace): ClusterRefusal {
  const [first] = pods;
  if (first === undefined) {
    return new ClusterRefusal(
      `There is no control plane of Meltemi in namespace "${usualNamespace}" of this cluster`,
      "install one: meltemi install; or name another cluster: --context CONTEXT",
    );
  }
  const names = pods.map(({ metadata, status }) => `${metadata.name} (${status?.phase ?? "Unknown"})`);
  return new ClusterRefusal(
    `No replica of the control plane is ready: ${names.join(", ")}`,
    `see why: kubectl describe pods -n ${first.metadata.namespace}`,
  );
}
