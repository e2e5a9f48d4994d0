// Which workload controls a pod, as people think of it: the Deployment rather than its ReplicaSet.

import type { OwnerReference } from "../object-meta.ts";

interface OwnedMetadata {
  readonly labels?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
}

export interface ControllingWorkload {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
}

/** Undefined for a pod made by hand. A Deployment's ReplicaSets are named after it and their pods' template. */
export function controllingWorkload({
  labels,
  ownerReferences,
}: OwnedMetadata): ControllingWorkload | undefined {
  const owner = ownerReferences?.find(({ controller }) => controller === true);
  if (owner === undefined) return undefined;
  const { apiVersion, kind, name } = owner;
  const hash = labels?.["pod-template-hash"];
  const isDeployments = kind === "ReplicaSet" && hash !== undefined && name.endsWith(`-${hash}`);
  if (!isDeployments) return { apiVersion, kind, name };
  return { apiVersion, kind: "Deployment", name: name.slice(0, -hash.length - 1) };
}
