// AuthorizationPolicies that are for some pods of their namespace, while no policy is for others.

import type { Problem } from "../../core/problem.ts";
import type { AuthorizationPolicy } from "../../kinds/authorization-policy/authorization-policy.ts";
import { policiesOfNamespace } from "../workload-policies.ts";
import { type CheckContext, problemAt, quoted } from "./check.ts";

/** Told once, by the first policy of the namespace. */
export function* checkUnguardedPods(object: AuthorizationPolicy, context: CheckContext): Iterable<Problem> {
  const { read, model, indexes } = context;
  const { namespace, name } = object.metadata;
  const { scopes } = model.enforcedPolicies.AuthorizationPolicy;
  const unguarded = read.find(indexes.unguardedPods.byNamespace, namespace);
  if (unguarded.length === 0) return;
  const names = policiesOfNamespace(read, scopes, namespace)
    .filter(({ metadata }) => metadata.namespace === namespace)
    .map(({ metadata }) => metadata.name);
  if (names.some((each) => each < name)) return;
  const workloads = [...new Set(unguarded.map(([, { workloadName }]) => workloadName))].sort();
  yield problemAt(object, "spec", {
    code: "MLT2048",
    message: `No AuthorizationPolicy is for ${quoted(workloads)} of namespace "${namespace}", so all callers are let in there`,
  });
}
