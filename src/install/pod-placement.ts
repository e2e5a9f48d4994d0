// Where and how pods of ours run, as users say it in Kubernetes' own words: taken as it is, and left out where nothing
// was said.

import type { EnvVar } from "../kinds/pod/container.ts";
import { envVar } from "../kinds/pod/container.ts";
import type { PodSpec } from "../kinds/pod/pod-spec.ts";
import { affinity, toleration } from "../kinds/pod/scheduling.ts";
import { list, map, text } from "../kinds/schema.ts";

export interface PodPlacement {
  /** Secrets of the pods' namespace. */
  readonly imagePullSecrets: readonly string[];
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly tolerations: NonNullable<PodSpec["tolerations"]>;
  readonly affinity: NonNullable<PodSpec["affinity"]>;
  /** Empty: none. */
  readonly priorityClassName: string;
  /** Of the pod's container, besides its own. */
  readonly env: readonly EnvVar[];
}

export const anywhere: PodPlacement = {
  imagePullSecrets: [],
  nodeSelector: {},
  tolerations: [],
  affinity: {},
  priorityClassName: "",
  env: [],
};

/** Declarations of the values that say it. `whose` ends the sentences: `the control plane's pods`. */
export function placementValues(whose: string, ownVariables: readonly string[] = []) {
  const isOwn = { properties: { name: { not: { enum: ownVariables } } } };
  return {
    nodeSelector: { description: `Labels of the nodes for ${whose}.`, schema: map(text()) },
    tolerations: { description: `Taints that ${whose} tolerate.`, schema: list(toleration) },
    affinity: { description: `Affinity of ${whose}.`, schema: affinity },
    priorityClassName: { description: `The PriorityClass of ${whose}.`, schema: text() },
    env: {
      description: `More environment variables for ${whose}.`,
      schema: list(envVar),
      ...(ownVariables.length > 0 && { jsonSchema: { items: { allOf: [envVar, isOwn] } } }),
    },
  } as const;
}

/** The fields of a pod's spec that say it. */
export function placementFields(placement: PodPlacement): Partial<PodSpec> {
  const { affinity: wanted, imagePullSecrets, nodeSelector, priorityClassName, tolerations } = placement;
  return {
    ...pullSecretFields(imagePullSecrets),
    nodeSelector: { "kubernetes.io/os": "linux", ...nodeSelector },
    ...(tolerations.length > 0 && { tolerations }),
    ...(Object.keys(wanted).length > 0 && { affinity: wanted }),
    ...(priorityClassName !== "" && { priorityClassName }),
  };
}

export function pullSecretFields(names: readonly string[]): Pick<PodSpec, "imagePullSecrets"> {
  return names.length === 0 ? {} : { imagePullSecrets: names.map((name) => ({ name })) };
}
