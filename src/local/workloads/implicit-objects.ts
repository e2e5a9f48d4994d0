// Objects that nobody declared and yet must be there: namespaces and their default ServiceAccounts. Pure.

import type { ObjectKey } from "../../core/object-key.ts";
import { objectKey } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import { problem } from "../../core/problem.ts";
import type { KubernetesObject } from "../../kinds/define-kind.ts";
import type { PodSpec } from "../../kinds/pod/pod-spec.ts";
import { keyOfObject } from "./workload-store.ts";

export interface ImplicitObjects {
  /** To be created. */
  readonly objects: readonly KubernetesObject[];
  readonly problems: readonly Problem[];
}

/** Marks what was made here, so that it is told of again and told from what the user wrote. */
export const IMPLICIT_LABEL = "local.meltemi.dev/implicit";

/** A cluster would refuse the objects; a laptop makes the namespace and says so. `default` is always there. */
export function implicitNamespaces(
  declared: readonly KubernetesObject[],
  find: (name: string) => KubernetesObject | undefined,
): ImplicitObjects {
  const firstByNamespace = new Map<string, KubernetesObject | undefined>([["default", undefined]]);
  for (const object of declared) {
    const { namespace } = object.metadata;
    if (namespace !== undefined && !firstByNamespace.has(namespace)) firstByNamespace.set(namespace, object);
  }
  const objects: KubernetesObject[] = [];
  const problems: Problem[] = [];
  for (const [name, first] of firstByNamespace) {
    const found = find(name);
    if (found === undefined) objects.push(buildNamespace(name, first !== undefined));
    const isImplicit = found === undefined || found.metadata.labels?.[IMPLICIT_LABEL] === "true";
    if (first !== undefined && isImplicit) problems.push(undeclaredNamespace(name, first));
  }
  return { objects, problems };
}

function buildNamespace(name: string, isImplicit: boolean): KubernetesObject {
  const labels = { "kubernetes.io/metadata.name": name, ...(isImplicit ? { [IMPLICIT_LABEL]: "true" } : {}) };
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
}

function undeclaredNamespace(name: string, first: KubernetesObject): Problem {
  return problem("MLT3107", {
    object: keyOfObject(first),
    path: "metadata.namespace",
    message: `Namespace "${name}" isn't declared; it was made without labels, so its pods get no sidecar by it`,
    hint: `declare it, with the label istio-injection: enabled if its pods belong in the mesh`,
  });
}

/** `default` in every namespace, without a word; any other that pods name, with a warning. */
export function implicitServiceAccounts(
  declared: readonly KubernetesObject[],
  find: (key: ObjectKey) => KubernetesObject | undefined,
): ImplicitObjects {
  const objects = new Map<ObjectKey, KubernetesObject>();
  const problems: Problem[] = [];
  for (const object of declared) {
    const { namespace } = object.metadata;
    const spec = podSpecOf(object);
    if (namespace === undefined || spec === undefined) continue;
    const name = spec.serviceAccountName ?? spec.serviceAccount ?? "default";
    const key = objectKey({ kind: "ServiceAccount", namespace, name });
    const found = find(key) ?? objects.get(key);
    const isImplicit = found === undefined || found.metadata.labels?.[IMPLICIT_LABEL] === "true";
    if (name !== "default" && isImplicit) problems.push(undeclaredAccount(object, name));
    if (found === undefined) {
      const metadata = { name, namespace, labels: { [IMPLICIT_LABEL]: "true" } };
      objects.set(key, { apiVersion: "v1", kind: "ServiceAccount", metadata });
    }
  }
  return { objects: [...objects.values()], problems };
}

function podSpecOf({ kind, spec }: KubernetesObject): PodSpec | undefined {
  if (kind === "Service" || typeof spec !== "object" || spec === null) return undefined;
  if (kind === "Pod") return spec as PodSpec;
  return (spec as { readonly template?: { readonly spec?: PodSpec } }).template?.spec;
}

function undeclaredAccount(object: KubernetesObject, name: string): Problem {
  const isPod = object.kind === "Pod";
  return problem("MLT3106", {
    object: keyOfObject(object),
    path: `${isPod ? "spec" : "spec.template.spec"}.serviceAccountName`,
    message: `ServiceAccount "${name}" isn't declared in namespace "${object.metadata.namespace}"; a cluster would not start the pod`,
    hint: "declare it beside the workload",
  });
}
