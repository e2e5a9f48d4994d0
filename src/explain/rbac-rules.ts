// One set of Envoy's RBAC rules on a call: which of them match, and what that means by their action.

import { type Policy, type RBAC, RBAC_Action } from "../gen/envoy/config/rbac/v3/rbac_pb.ts";
import type { SeenCall } from "./call.ts";
import { matchesPermission } from "./permission-matching.ts";
import { matchesPrincipal } from "./principal-matching.ts";
import { allOf, anyOf, isOpen, open, type Truth } from "./truth.ts";

export type RuleAction = "ALLOW" | "DENY" | "AUDIT";

/** Rules by their names in Envoy. */
export interface RulesResult {
  readonly action: RuleAction;
  /** The call may go on. */
  readonly passes: Truth;
  /** The first that matches, in the order of their names: Envoy names that one. */
  readonly matched?: string;
  /** Those of which it isn't known. */
  readonly open: readonly string[];
}

export function evaluateRules({ action, policies }: RBAC, call: SeenCall): RulesResult {
  const found = Object.entries(policies)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, policy]) => ({ name, truth: matchesPolicy(policy, call) }));
  const anyMatches = anyOf(found.map(({ truth }) => truth));
  const matched = found.find(({ truth }) => truth === true)?.name;
  return {
    action: actionWord(action),
    passes: passes(action, anyMatches),
    ...(matched === undefined ? {} : { matched }),
    open: found.filter(({ truth }) => isOpen(truth)).map(({ name }) => name),
  };
}

function passes(action: RBAC_Action, anyMatches: Truth): Truth {
  if (action === RBAC_Action.LOG) return true;
  if (action === RBAC_Action.ALLOW) return anyMatches;
  return isOpen(anyMatches) ? anyMatches : !anyMatches;
}

function actionWord(action: RBAC_Action): RuleAction {
  switch (action) {
    case RBAC_Action.ALLOW:
      return "ALLOW";
    case RBAC_Action.DENY:
      return "DENY";
    case RBAC_Action.LOG:
      return "AUDIT";
  }
}

function matchesPolicy(
  { permissions, principals, condition, checkedCondition }: Policy,
  call: SeenCall,
): Truth {
  const hasExpression = condition !== undefined || checkedCondition !== undefined;
  return allOf([
    anyOf(permissions.map((each) => matchesPermission(each, call))),
    anyOf(principals.map((each) => matchesPrincipal(each, call))),
    ...(hasExpression ? [open("an expression")] : []),
  ]);
}
