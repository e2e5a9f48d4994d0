// Asks all replicas of all control planes: each knows the proxies that are connected to it, and no others.

import type { ApiResource } from "../kubernetes/api-resource.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { listAll } from "./cluster-access.ts";
import { ClusterRefusal } from "./cluster-refusal.ts";
import { readPodPage } from "./pod-page.ts";

export interface Replica {
  readonly pod: string;
  readonly namespace: string;
  readonly revision: string;
}

export interface ReplicaAnswer<T> {
  readonly replica: Replica;
  readonly answer: T;
}

/** Where control planes are and how their pods are known: the installer's names. */
export interface ControlPlanePlace {
  readonly namespace: string;
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
): Promise<readonly ReplicaAnswer<T>[]> {
  const first = await askOnce<T>(access, place, path);
  if (first.kind === "answers") return first.answers;
  // A replica may have gone since it was listed; then the others are asked again, who have its proxies by now.
  const second = await askOnce<T>(access, place, path);
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

async function askOnce<T>(access: ClusterAccess, place: ControlPlanePlace, path: string) {
  const pods = await listPods(access, place);
  const running = pods.filter(isRunning);
  if (running.length === 0) throw noneRuns(pods, place);
  const asked = await Promise.allSettled(
    running.map(async (pod) => ({
      replica: replicaOf(pod, place),
      answer: await ask<T>(access, replicaOf(pod, place), path),
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

async function ask<T>(access: ClusterAccess, { namespace, pod }: Replica, path: string): Promise<T> {
  const { status, text } = await readPodPage(access, { namespace, pod, port: MONITORING_PORT }, path);
  if (status === 200) return JSON.parse(text) as T;
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

function listPods(access: ClusterAccess, { namespace, labelSelector }: ControlPlanePlace) {
  return listAll<ControlPlanePod>(access, podResource, { namespace, labelSelector });
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

function noneRuns(pods: readonly ControlPlanePod[], { namespace }: ControlPlanePlace): ClusterRefusal {
  if (pods.length === 0) {
    return new ClusterRefusal(
      `There is no control plane of Meltemi in namespace "${namespace}" of this cluster`,
      "install one: meltemi install; or name another cluster: --context CONTEXT",
    );
  }
  const names = pods.map(({ metadata, status }) => `${metadata.name} (${status?.phase ?? "Unknown"})`);
  return new ClusterRefusal(
    `No replica of the control plane is ready: ${names.join(", ")}`,
    `see why: kubectl describe pods -n ${namespace}`,
  );
}
