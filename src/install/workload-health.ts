// Whether what was applied is in force: definitions are served, workloads run with what they were last told, and the API
// server can trust the webhooks.

import type { KubernetesObject } from "../kinds/define-kind.ts";
import { getObject } from "../kubernetes/api-objects.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { listObjects, pause } from "./cluster-access.ts";
import type { InstallObject } from "./install-object.ts";
import { podResource, resourceOf } from "./install-resources.ts";

const POLL_MS = 1_000;

/** What still lacks when the time is over, a sentence each; empty: all of it is in force. */
export async function untilInForce(
  access: ClusterAccess,
  objects: readonly InstallObject[],
  deadlineMs: number,
): Promise<readonly string[]> {
  let waiting: readonly InstallObject[] = objects.filter(({ kind }) => kind in checks);
  for (;;) {
    const lacking: { object: InstallObject; sentence: string }[] = [];
    for (const object of waiting) {
      const sentence = await lackOf(access, object);
      if (sentence !== undefined) lacking.push({ object, sentence });
    }
    if (lacking.length === 0) return [];
    waiting = lacking.map(({ object }) => object);
    if (access.clock.now() >= deadlineMs) return withReasons(access, lacking);
    await pause(access, POLL_MS);
  }
}

async function lackOf({ client }: ClusterAccess, object: InstallObject): Promise<string | undefined> {
  const { kind, metadata } = object;
  const current = (await getObject(client, resourceOf(object), metadata)) as ObservedObject | undefined;
  if (current === undefined) return `${kind} ${metadata.name} is gone`;
  const lack = checks[kind]?.(current);
  return lack === undefined ? undefined : `${kind} ${metadata.name}: ${lack}`;
}

interface ObservedObject extends KubernetesObject {
  readonly webhooks?: readonly { readonly clientConfig?: { readonly caBundle?: string } }[];
  readonly spec?: { readonly replicas?: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly availableReplicas?: number;
    readonly desiredNumberScheduled?: number;
    readonly updatedNumberScheduled?: number;
    readonly numberAvailable?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

const checks: Readonly<Record<string, (object: ObservedObject) => string | undefined>> = {
  CustomResourceDefinition: ({ status }) =>
    status?.conditions?.some((each) => each.type === "Established" && each.status === "True") === true
      ? undefined
      : "the API server doesn't serve it yet",
  Deployment: ({ metadata, spec, status = {} }) => {
    const { availableReplicas = 0, observedGeneration = 0, replicas = 0, updatedReplicas = 0 } = status;
    if (observedGeneration < (metadata.generation ?? 0)) return "nobody has seen the change yet";
    if (replicas > updatedReplicas) return `${replicas - updatedReplicas} pods are still the old ones`;
    return shortfall(Math.min(availableReplicas, updatedReplicas), spec?.replicas ?? 1);
  },
  StatefulSet: (object) => checks.Deployment?.(object),
  DaemonSet: ({ metadata, status = {} }) => {
    const { numberAvailable = 0, observedGeneration = 0, updatedNumberScheduled = 0 } = status;
    if (observedGeneration < (metadata.generation ?? 0)) return "nobody has seen the change yet";
    return shortfall(Math.min(numberAvailable, updatedNumberScheduled), status.desiredNumberScheduled ?? 0);
  },
  MutatingWebhookConfiguration: certificateLack,
  ValidatingWebhookConfiguration: certificateLack,
};

/** Until then the API server refuses every pod that asks for a sidecar, since it can't tell who answers. */
function certificateLack({ webhooks = [] }: ObservedObject): string | undefined {
  const isKnown = webhooks.every(({ clientConfig }) => (clientConfig?.caBundle ?? "") !== "");
  return isKnown ? undefined : "the control plane hasn't written its certificate into it";
}

function shortfall(count: number, wanted: number): string | undefined {
  return count >= wanted ? undefined : `${count} of ${wanted} pods are available`;
}

interface ContainerStatus {
  readonly name: string;
  readonly state?: { readonly waiting?: { readonly reason?: string; readonly message?: string } };
}

interface PodStatus {
  readonly conditions?: readonly {
    readonly type: string;
    readonly status: string;
    readonly message?: string;
  }[];
  readonly initContainerStatuses?: readonly ContainerStatus[];
  readonly containerStatuses?: readonly ContainerStatus[];
}

async function withReasons(
  access: ClusterAccess,
  lacking: readonly { readonly object: InstallObject; readonly sentence: string }[],
): Promise<readonly string[]> {
  const sentences: string[] = [];
  for (const { object, sentence } of lacking) {
    const hasPods = ["Deployment", "StatefulSet", "DaemonSet"].includes(object.kind);
    const reasons = hasPods ? await podReasons(access, object) : [];
    sentences.push([sentence, ...new Set(reasons)].join("; "));
  }
  return sentences;
}

async function podReasons(access: ClusterAccess, { metadata, spec }: InstallObject): Promise<string[]> {
  const { selector } = spec as {
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
  };
  const labels = Object.entries(selector.matchLabels).map(([name, value]) => `${name}=${value}`);
  const pods = await listObjects(access, podResource, labels.join(","));
  return pods
    .filter((pod) => pod.metadata.namespace === metadata.namespace)
    .flatMap((pod) => reasonsOf((pod.status ?? {}) as PodStatus));
}

function reasonsOf(status: PodStatus): string[] {
  const unscheduled = (status.conditions ?? [])
    .filter(({ status: value, type }) => type === "PodScheduled" && value === "False")
    .map(({ message = "" }) => `no node takes the pod: ${message}`);
  const containers = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  const waiting = containers.flatMap(({ name, state }) => {
    const { message, reason } = state?.waiting ?? {};
    if (reason === undefined || reason === "ContainerCreating" || reason === "PodInitializing") return [];
    return `container ${name}: ${reason}${message === undefined ? "" : ` (${message})`}`;
  });
  return [...unscheduled, ...waiting];
}
