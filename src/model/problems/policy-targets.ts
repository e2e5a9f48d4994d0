// Policies that name a Gateway, Service or other object as their target: those that are nowhere, and those that have no proxy
// of their own that enforces policies. Such a policy is for none.

import type { Problem } from "../../core/problem.ts";
import type { KubernetesObject } from "../../kinds/define-kind.ts";
import type { PolicyTargetReference } from "../../kinds/policy-target.ts";
import { GATEWAY_NAME_LABEL } from "../workload-policies.ts";
import { type CheckContext, problemAt } from "./check.ts";
import { labelKey } from "./problem-indexes.ts";

interface TargetingPolicy extends KubernetesObject {
  readonly metadata: KubernetesObject["metadata"] & { readonly namespace: string };
  readonly spec?: {
    readonly targetRef?: PolicyTargetReference;
    readonly targetRefs?: readonly PolicyTargetReference[];
  };
}

export function* checkPolicyTargets(object: TargetingPolicy, context: CheckContext): Iterable<Problem> {
  for (const { path, target } of targetsIn(object)) {
    const message = faultOf(target, object.metadata.namespace, context);
    if (message !== undefined) yield problemAt(object, path, { code: "MLT2047", message });
  }
}

function* targetsIn({ spec = {} }: TargetingPolicy) {
  if (spec.targetRef !== undefined) yield { path: "spec.targetRef", target: spec.targetRef };
  for (const [index, target] of (spec.targetRefs ?? []).entries())
    yield { path: `spec.targetRefs[${index}]`, target };
}

function faultOf(
  { group = "", kind, name }: PolicyTargetReference,
  namespace: string,
  { read, indexes }: CheckContext,
): string | undefined {
  if (group !== "gateway.networking.k8s.io" || kind !== "Gateway")
    return `A ${kind} has no proxy of its own that enforces policies, so the policy has no effect for "${name}"`;
  const pods = read.find(indexes.workloadsByLabel, labelKey([GATEWAY_NAME_LABEL, name]));
  if (pods.some(([, pod]) => pod.namespace === namespace)) return undefined;
  return `No pod of a Gateway "${name}" runs in namespace "${namespace}", so the policy is for none`;
}
