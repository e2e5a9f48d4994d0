// The actions that Envoy decides itself, each as one set of rules.

import { RBAC_Action } from "../../gen/envoy/config/rbac/v3/rbac_pb.ts";
import type { AuthorizationInputs } from "../../view/authorization-inputs.ts";
import { type RbacRules, rbacRules } from "./policies.ts";
import type { Transport } from "./rule-context.ts";

const ACTIONS = {
  AUDIT: { action: RBAC_Action.LOG, mode: "lenient" },
  DENY: { action: RBAC_Action.DENY, mode: "lenient" },
  ALLOW: { action: RBAC_Action.ALLOW, mode: "strict" },
} as const;

export type RulesByAction = { readonly [Action in keyof typeof ACTIONS]: RbacRules | undefined };

export function rulesByAction(inputs: AuthorizationInputs, transport: Transport): RulesByAction {
  return {
    AUDIT: rulesOfAction(inputs, "AUDIT", transport),
    DENY: rulesOfAction(inputs, "DENY", transport),
    ALLOW: rulesOfAction(inputs, "ALLOW", transport),
  };
}

/** Undefined where no policy has the action. */
function rulesOfAction(
  { policies, trustDomains }: AuthorizationInputs,
  action: keyof typeof ACTIONS,
  transport: Transport,
): RbacRules | undefined {
  const ofAction = policies.filter((policy) => policy.action === action);
  if (ofAction.length === 0) return undefined;
  return rbacRules(ofAction, { ...ACTIONS[action], transport, trustDomains });
}
