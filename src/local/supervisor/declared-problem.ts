// A pod's problem, told of what the user wrote: the Deployment and its template instead of a pod whose name he
// has never seen. Pure.

import type { ObjectKey } from "../../core/object-key.ts";
import { objectKey } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import type { Container } from "../../kinds/pod/container.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import type { PodSpec } from "../../kinds/pod/pod-spec.ts";

export interface DeclaredSource {
  readonly object: { readonly kind: string; readonly spec?: unknown };
}

/** `find` gives a declared object; a problem of a pod that nothing declared stays as it is. */
export function declaredProblem(
  found: Problem,
  pod: Pod,
  find: (key: ObjectKey) => DeclaredSource | undefined,
): Problem {
  const workload = workloadOf(pod);
  const key = objectKey({ ...workload, namespace: pod.metadata.namespace });
  const source = find(key);
  if (source === undefined) return found;
  const isPod = workload.kind === "Pod";
  const template = isPod
    ? source.object.spec
    : (source.object.spec as { template?: { spec?: unknown } }).template?.spec;
  const inner = declaredPath(found.path ?? "", pod, template as PodSpec | undefined);
  const path = isPod || inner === "" ? inner : `spec.template.${inner}`;
  return { ...found, object: key, ...(path === "" ? {} : { path }) };
}

/** What the user knows the pod by: `{kind: "Deployment", name: "reviews"}`. */
export function workloadOf(pod: Pod): { readonly kind: string; readonly name: string } {
  const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (owner === undefined) return { kind: "Pod", name: pod.metadata.name };
  if (owner.kind !== "ReplicaSet") return { kind: owner.kind, name: owner.name };
  return { kind: "Deployment", name: owner.name.replace(/-[^-]*$/, "") };
}

// Injection may have put its container first, so places in lists are found again by name.
function declaredPath(path: string, pod: Pod, declared: PodSpec | undefined): string {
  const match = /^spec\.(containers|initContainers)\[(\d+)\](.*)$/.exec(path);
  if (match === null || declared === undefined) return path;
  const [, field = "containers", index = "0", rest = ""] = match;
  const lists = field === "containers" ? "containers" : "initContainers";
  const name = (pod.spec[lists] as readonly Container[] | undefined)?.[Number(index)]?.name;
  const declaredIndex = declared[lists]?.findIndex((container) => container.name === name) ?? -1;
  return declaredIndex < 0 ? path : `spec.${lists}[${declaredIndex}]${rest}`;
}
