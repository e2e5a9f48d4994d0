// What the proxy's container may use: the mesh's amounts, or those of the pod's annotations.

import type { ResourceRequirements } from "../kinds/pod/container.ts";
import type { PodAnnotations } from "./pod-annotations.ts";

/** As in Istio, one annotation of the four puts the mesh's amounts for all out of force. */
export function proxyResources(
  { cpu, memory, cpuLimit, memoryLimit }: PodAnnotations,
  ofMesh: ResourceRequirements,
): ResourceRequirements {
  const isAnnotated = [cpu, memory, cpuLimit, memoryLimit].some((amount) => amount !== undefined);
  if (!isAnnotated) return withoutNothing(ofMesh);
  return withoutNothing({
    requests: { ...(cpu !== undefined && { cpu }), ...(memory !== undefined && { memory }) },
    limits: { ...limitOf("cpu", cpuLimit), ...limitOf("memory", memoryLimit) },
  });
}

/** Kubernetes takes a limit of nothing for none, but shows it; so it isn't written at all. */
function limitOf(resource: "cpu" | "memory", amount: string | undefined): Readonly<Record<string, string>> {
  const isNone = amount === undefined || Number.parseFloat(amount) === 0;
  return isNone ? {} : { [resource]: amount };
}

function withoutNothing({ requests, limits, ...rest }: ResourceRequirements): ResourceRequirements {
  const isSome = (amounts: object | undefined) => amounts !== undefined && Object.keys(amounts).length > 0;
  return { ...rest, ...(isSome(requests) && { requests }), ...(isSome(limits) && { limits }) };
}
