// Whom the ALLOW policies of a workload let in, all of them together.

import type { AuthorizationPolicy } from "../../kinds/authorization-policy/authorization-policy.ts";
import type { AuthorizationRule } from "../../kinds/authorization-policy/authorization-policy-spec.ts";
import { isDryRun } from "../../kinds/authorization-policy/dry-run.ts";
import { enforcedPolicyKeys } from "../enforced-policies.ts";
import { rowKey } from "../sources.ts";
import type { Workload } from "../workloads.ts";
import type { CheckContext } from "./check.ts";
import { mayLetIn, type RuleCaller } from "./rule-callers.ts";

/** Whether it closes its workloads to all that no such policy allows; by labels, since targets are gateways. */
export function allows(object: AuthorizationPolicy): boolean {
  const { action = "ALLOW", targetRef, targetRefs = [] } = object.spec ?? {};
  return (
    action === "ALLOW" && !isDryRun(object.metadata) && targetRef === undefined && targetRefs.length === 0
  );
}

export interface AllowRule {
  readonly namespace: string;
  readonly rule: AuthorizationRule;
}

/** Of all ALLOW policies for the pod; `object` may be yet to come. */
export function allowRulesFor(
  pod: Workload,
  object: AuthorizationPolicy,
  { read, model }: CheckContext,
): readonly AllowRule[] {
  const { namespace, name } = object.metadata;
  const keys = enforcedPolicyKeys(read, model.enforcedPolicies.AuthorizationPolicy, pod);
  const others = keys
    .filter((key) => key !== rowKey(namespace, name))
    .sort()
    .flatMap((key) => read.get(model.enforcedPolicies.AuthorizationPolicy.table, key) ?? []);
  return [object, ...others]
    .filter((policy) => (policy.spec?.action ?? "ALLOW") === "ALLOW" && !isDryRun(policy.metadata))
    .flatMap(({ metadata, spec }) =>
      (spec?.rules ?? []).map((rule) => ({ namespace: metadata.namespace, rule })),
    );
}

export function isLetIn(
  rules: readonly AllowRule[],
  caller: RuleCaller,
  { settings }: CheckContext,
): boolean {
  return rules.some(({ namespace, rule }) => mayLetIn(rule, caller, { namespace, settings }));
}

/** As the policy would write it. */
export function podName({ namespace, name }: Workload, { metadata }: AuthorizationPolicy): string {
  return namespace === metadata.namespace ? name : `${namespace}/${name}`;
}
