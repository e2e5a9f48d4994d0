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

export interface Visit {
  /** One of whom is to be let in. */
  readonly callers: readonly RuleCaller[];
  /** What sets it apart from other visits, of pods with the same policies. */
  readonly about: string;
  /** Whether a rule may be for it, by what is called. */
  readonly isFor?: (rule: AuthorizationRule) => boolean;
}

/** Whether the ALLOW policies of a pod let a visit in; undefined where that takes longer than a warning is worth. */
export type LetsIn = (pod: Workload, visit: Visit) => boolean | undefined;

// Of all visits that one check asks about, times their callers: there may be very many pods, and very many rules.
const MAX_RULES = 50_000;

/** The object is among the policies, and may be yet to come. Pods that have the same policies are answered for together. */
export function createLetsIn(object: AuthorizationPolicy, context: CheckContext): LetsIn {
  const rulesOf = new Map<string, readonly AllowRule[]>();
  const answers = new Map<string, boolean>();
  let left = MAX_RULES;
  return (pod, { callers, about, isFor = () => true }) => {
    const keys = otherPolicyKeys(pod, object, context);
    const policies = keys.join(" ");
    const question = `${policies} of ${about}`;
    const known = answers.get(question);
    if (known !== undefined) return known;
    const rules = rulesOf.get(policies) ?? allowRules(object, keys, context);
    rulesOf.set(policies, rules);
    left -= rules.length * callers.length;
    if (left < 0) return undefined;
    const answer = rules.some(
      ({ rule, ...scope }) =>
        isFor(rule) &&
        callers.some((caller) => mayLetIn(rule, caller, { ...scope, settings: context.settings })),
    );
    answers.set(question, answer);
    return answer;
  };
}

interface AllowRule {
  /** Its policy's. */
  readonly namespace: string;
  readonly rule: AuthorizationRule;
}

function otherPolicyKeys(
  pod: Workload,
  { metadata: { namespace, name } }: AuthorizationPolicy,
  { read, model }: CheckContext,
): readonly string[] {
  const keys = enforcedPolicyKeys(read, model.enforcedPolicies.AuthorizationPolicy, pod);
  return keys.filter((key) => key !== rowKey(namespace, name)).sort();
}

function allowRules(
  object: AuthorizationPolicy,
  keys: readonly string[],
  { read, model }: CheckContext,
): readonly AllowRule[] {
  const { table } = model.enforcedPolicies.AuthorizationPolicy;
  return [object, ...keys.flatMap((key) => read.get(table, key) ?? [])]
    .filter((policy) => (policy.spec?.action ?? "ALLOW") === "ALLOW" && !isDryRun(policy.metadata))
    .flatMap(({ metadata, spec }) =>
      (spec?.rules ?? []).map((rule) => ({ namespace: metadata.namespace, rule })),
    );
}

/** As the policy would write it. */
export function podName({ namespace, name }: Workload, { metadata }: AuthorizationPolicy): string {
  return namespace === metadata.namespace ? name : `${namespace}/${name}`;
}
