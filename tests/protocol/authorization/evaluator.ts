// What Istio's documentation says that AuthorizationPolicies decide, written over the policies themselves. It shares no
// code with the translation, so that the two can be held against each other.

import type { AuthorizationPolicy } from "../../../src/kinds/authorization-policy/authorization-policy.ts";
import type { AuthorizationRule } from "../../../src/kinds/authorization-policy/authorization-policy-spec.ts";
import type { Call } from "./call.ts";
import { conditionHolds, isSayable, operationHolds, type Scope, sourceHolds } from "./conditions.ts";

export interface Decider {
  /** Asked by HTTP it has no say on TCP connections. */
  readonly transport: "http" | "grpc";
  readonly allows: (call: Call) => boolean;
}

export interface EvaluationContext {
  /** The mesh's own first. */
  readonly trustDomains: readonly string[];
  /** By the provider's name; a policy that names another is bad. */
  readonly providers: Readonly<Record<string, Decider>>;
}

export type Verdict = "allowed" | "denied";

/** Of the policies for one workload. */
export function evaluate(
  policies: readonly AuthorizationPolicy[],
  call: Call,
  context: EvaluationContext,
): Verdict {
  const deciding = policies.filter(({ metadata }) => metadata.annotations?.["istio.io/dry-run"] !== "true");
  const ofAction = (wanted: string) => deciding.filter(({ spec }) => (spec?.action ?? "ALLOW") === wanted);
  const matching = (action: string, of = call) =>
    ofAction(action).filter((policy) => matches(policy, of, context));
  // As in Istio a provider is asked before tokens are verified: no rule of CUSTOM can know what one says.
  const { claims: _unverified, ...withoutToken } = call;
  if (matching("CUSTOM", withoutToken).some((policy) => !isAllowedByProvider(policy, call, context)))
    return "denied";
  if (matching("DENY").length > 0) return "denied";
  return ofAction("ALLOW").length === 0 || matching("ALLOW").length > 0 ? "allowed" : "denied";
}

function isAllowedByProvider(
  { spec }: AuthorizationPolicy,
  call: Call,
  { providers }: EvaluationContext,
): boolean {
  const decider = providers[spec?.provider?.name ?? ""];
  if (decider === undefined) return false;
  return (call.transport === "tcp" && decider.transport === "http") || decider.allows(call);
}

function matches(policy: AuthorizationPolicy, call: Call, { trustDomains }: EvaluationContext): boolean {
  const { spec, metadata } = policy;
  const scope: Scope = { call, trustDomains, namespace: metadata.namespace };
  const isAllow = (spec?.action ?? "ALLOW") === "ALLOW";
  return (spec?.rules ?? []).some((rule) => ruleMatches(rule, scope, isAllow));
}

/** Of a connection that isn't HTTP nobody knows what a rule asks of requests: an ALLOW doesn't match, others ignore it. */
function ruleMatches(rule: AuthorizationRule, scope: Scope, isAllow: boolean): boolean {
  if (isAllow && !isSayable(rule, scope)) return false;
  const { from = [], to = [], when = [] } = rule;
  return (
    (from.length === 0 || from.some(({ source = {} }) => sourceHolds(source, scope))) &&
    (to.length === 0 || to.some(({ operation = {} }) => operationHolds(operation, scope))) &&
    when.every((condition) => conditionHolds(condition, scope))
  );
}
