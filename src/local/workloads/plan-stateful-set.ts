// The StatefulSet controller as a function: pods by ordinal, created upwards and removed downwards, one at a
// time unless podManagementPolicy is Parallel; updates go from the highest ordinal down to the partition.

import type { Pod } from "../../kinds/pod/pod.ts";
import type { PodTemplate } from "../../kinds/pod/pod-spec.ts";
import type { StatefulSet } from "../../kinds/stateful-set.ts";
import { availableInMs, isAvailable, isReady, isTerminating } from "./pod-condition.ts";
import type { WorkloadPlan } from "./workload-plan.ts";
import { buildPod, earliestMs, ownerReference, podCountOf, workloadTemplateHash } from "./workload-plan.ts";

export const REVISION_LABEL = "controller-revision-hash";

/** `pods` are those owned by the set, terminating ones too. */
export function planStatefulSet(set: StatefulSet, pods: readonly Pod[], nowMs: number): WorkloadPlan {
  const view = lookAt(set, pods, nowMs);
  const moves = repairMoves(set, view) ?? scaleMoves(set, view) ?? updateMoves(set, view) ?? NO_MOVES;
  const minReadySeconds = set.spec.minReadySeconds ?? 0;
  const recheckAfterMs = earliestMs(pods.map((pod) => availableInMs(pod, minReadySeconds, nowMs)));
  return {
    ...moves,
    status: setStatus(set, view),
    ...(recheckAfterMs === undefined ? {} : { recheckAfterMs }),
  };
}

interface View {
  readonly revision: string;
  readonly ordinals: readonly number[];
  readonly podsByOrdinal: ReadonlyMap<number, Pod>;
  readonly isHealthy: (pod: Pod | undefined) => boolean;
}

type Moves = Pick<WorkloadPlan, "create" | "remove">;

const NO_MOVES: Moves = { create: [], remove: [] };

function lookAt(set: StatefulSet, pods: readonly Pod[], nowMs: number): View {
  const start = set.spec.ordinals?.start ?? 0;
  const minReadySeconds = set.spec.minReadySeconds ?? 0;
  const podsByOrdinal = new Map<number, Pod>();
  for (const pod of pods) {
    const ordinal = ordinalOf(set, pod);
    if (ordinal !== undefined) podsByOrdinal.set(ordinal, pod);
  }
  return {
    revision: `${set.metadata.name}-${workloadTemplateHash(set.spec.template)}`,
    ordinals: Array.from({ length: podCountOf(set.spec.replicas ?? 1) }, (_, index) => start + index),
    podsByOrdinal,
    isHealthy: (pod) => pod !== undefined && isAvailable(pod, minReadySeconds, nowMs),
  };
}

// Kubernetes waits for ever on a pod that a broken template made, even after the template was mended
// (its documents call for a manual deletion). Here such a pod gives way at once.
function repairMoves(set: StatefulSet, view: View): Moves | undefined {
  if (set.spec.updateStrategy?.type === "OnDelete") return undefined;
  const partition = set.spec.updateStrategy?.rollingUpdate?.partition ?? 0;
  const broken = [...view.podsByOrdinal].filter(
    ([ordinal, pod]) =>
      ordinal >= partition &&
      pod.metadata.labels?.[REVISION_LABEL] !== view.revision &&
      !isReady(pod) &&
      !isTerminating(pod),
  );
  return broken.length === 0 ? undefined : { create: [], remove: broken.map(([, pod]) => pod) };
}

/** What brings the number of pods in order; undefined when it is. */
function scaleMoves(set: StatefulSet, view: View): Moves | undefined {
  const wanted = new Set(view.ordinals);
  const missing = view.ordinals.filter((ordinal) => !view.podsByOrdinal.has(ordinal));
  const condemned = [...view.podsByOrdinal]
    .filter(([ordinal]) => !wanted.has(ordinal))
    .sort(([left], [right]) => right - left)
    .map(([, pod]) => pod);
  if (missing.length === 0 && condemned.length === 0) return undefined;
  if (set.spec.podManagementPolicy === "Parallel") {
    return {
      create: missing.map((ordinal) => podOf(set, view, ordinal)),
      remove: condemned.filter((pod) => !isTerminating(pod)),
    };
  }
  return orderedScaleMoves(set, view, { missing, condemned });
}

function orderedScaleMoves(
  set: StatefulSet,
  view: View,
  gap: { missing: number[]; condemned: Pod[] },
): Moves {
  const [lowest] = gap.missing;
  if (lowest !== undefined) {
    const below = view.ordinals.filter((ordinal) => ordinal < lowest);
    const mayCreate = below.every((ordinal) => view.isHealthy(view.podsByOrdinal.get(ordinal)));
    return { create: mayCreate ? [podOf(set, view, lowest)] : [], remove: [] };
  }
  const [highest] = gap.condemned;
  const mayRemove = highest !== undefined && !gap.condemned.some(isTerminating);
  return { create: [], remove: mayRemove ? [highest] : [] };
}

function updateMoves(set: StatefulSet, view: View): Moves | undefined {
  if (set.spec.updateStrategy?.type === "OnDelete") return undefined;
  const partition = set.spec.updateStrategy?.rollingUpdate?.partition ?? 0;
  for (const ordinal of view.ordinals.toReversed()) {
    if (ordinal < partition) return undefined;
    const pod = view.podsByOrdinal.get(ordinal);
    if (pod === undefined || isTerminating(pod)) return undefined;
    if (pod.metadata.labels?.[REVISION_LABEL] !== view.revision) return { create: [], remove: [pod] };
    if (!view.isHealthy(pod)) return undefined;
  }
  return undefined;
}

function podOf(set: StatefulSet, view: View, ordinal: number): Pod {
  const name = `${set.metadata.name}-${ordinal}`;
  const template = withIdentity(set, name);
  return buildPod(set, template, {
    name,
    generateName: `${set.metadata.name}-`,
    owner: ownerReference(set),
    labels: {
      [REVISION_LABEL]: view.revision,
      "statefulset.kubernetes.io/pod-name": name,
      "apps.kubernetes.io/pod-index": String(ordinal),
    },
  });
}

function withIdentity(set: StatefulSet, podName: string): PodTemplate {
  const { template, serviceName, volumeClaimTemplates = [] } = set.spec;
  const claims = claimNames(volumeClaimTemplates).map((name) => ({
    name,
    persistentVolumeClaim: { claimName: `${name}-${podName}` },
  }));
  const claimed = new Set(claims.map((claim) => claim.name));
  const others = (template.spec.volumes ?? []).filter((volume) => !claimed.has(volume.name));
  const volumes = [...others, ...claims];
  return {
    ...template,
    spec: {
      ...template.spec,
      hostname: podName,
      ...(serviceName === undefined ? {} : { subdomain: serviceName }),
      ...(volumes.length === 0 ? {} : { volumes }),
    },
  };
}

function claimNames(templates: readonly Readonly<Record<string, unknown>>[]): readonly string[] {
  return templates.flatMap(({ metadata }) => {
    const isNamed = typeof metadata === "object" && metadata !== null && "name" in metadata;
    return isNamed && typeof metadata.name === "string" ? [metadata.name] : [];
  });
}

function ordinalOf(set: StatefulSet, pod: Pod): number | undefined {
  const prefix = `${set.metadata.name}-`;
  if (!pod.metadata.name.startsWith(prefix)) return undefined;
  const text = pod.metadata.name.slice(prefix.length);
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

function setStatus(set: StatefulSet, view: View): Readonly<Record<string, unknown>> {
  const pods = [...view.podsByOrdinal.values()].filter((pod) => !isTerminating(pod));
  const updated = pods.filter((pod) => pod.metadata.labels?.[REVISION_LABEL] === view.revision);
  return {
    observedGeneration: set.metadata.generation ?? 1,
    replicas: pods.length,
    readyReplicas: pods.filter(isReady).length,
    availableReplicas: pods.filter(view.isHealthy).length,
    currentReplicas: updated.length,
    updatedReplicas: updated.length,
    updateRevision: view.revision,
  };
}
