// AuthorizationPolicies of one action as the rules of Envoy's RBAC, under the names that logs and metrics show.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RBAC_Action, RBACSchema } from "../../gen/envoy/config/rbac/v3/rbac_pb.ts";
import type { AuthorizationPolicyInputs } from "../../view/authorization-inputs.ts";
import type { Plain } from "../encode.ts";
import { NEVER, type RbacPolicyInit, translateRule } from "./rule.ts";
import type { Transport } from "./rule-context.ts";

export type RbacInit = Plain<typeof RBACSchema>;

export interface TranslationContext {
  readonly transport: Transport;
  readonly trustDomains: readonly string[];
}

/** Of policies that decide, and of those that only count what they would decide. */
export interface RbacRules {
  readonly rules?: RbacInit;
  readonly shadowRules?: RbacInit;
}

export interface RbacOptions extends TranslationContext {
  readonly action: RBAC_Action;
  /** A rule that can't be said as it is written is left out, not made to match more. */
  readonly mode: "strict" | "lenient";
}

/** Rules are there as soon as a policy is, even if no rule of it could be said: then nothing matches. */
export function rbacRules(policies: readonly AuthorizationPolicyInputs[], options: RbacOptions): RbacRules {
  const deciding = policies.filter(({ isDryRun }) => !isDryRun);
  const counting = policies.filter(({ isDryRun }) => isDryRun);
  return {
    ...(deciding.length === 0 ? {} : { rules: rbac(options.action, namedRules(deciding, options)) }),
    ...(counting.length === 0 ? {} : { shadowRules: rbac(options.action, namedRules(counting, options)) }),
  };
}

/** Of what denies everything in a policy's place. */
export function refusedName({
  namespace,
  name,
}: {
  readonly namespace: string;
  readonly name: string;
}): string {
  return `refused-${namespace}-${name}`;
}

export type NamedRules = Readonly<Record<string, RbacPolicyInit>>;

export function rbac(
  action: RBAC_Action,
  policies: NamedRules,
): MessageInitShape<typeof RBACSchema> & RbacInit {
  return { action, policies };
}

/** By `ns[NAMESPACE]-policy[NAME]-rule[N]`, sorted, as Istio calls them; a refused policy by `refusedName`. */
export function namedRules(
  policies: readonly AuthorizationPolicyInputs[],
  { mode, ...context }: TranslationContext & Pick<RbacOptions, "mode">,
): NamedRules {
  const named = policies.flatMap(({ namespace, name, rules, isRefused }) => {
    const nameOf = (index: number) =>
      isRefused ? refusedName({ namespace, name }) : `ns[${namespace}]-policy[${name}]-rule[${index}]`;
    if (rules.length === 0) return [[nameOf(0), NEVER] as const];
    return rules.flatMap((rule, index) => {
      const policy = translateRule(rule, { ...context, namespace }, mode);
      return policy === undefined ? [] : [[nameOf(index), policy] as const];
    });
  });
  return Object.fromEntries(named.sort(([a], [b]) => (a < b ? -1 : 1)));
}
