// One rule of an AuthorizationPolicy as a policy of Envoy's RBAC: any of its sources, for any of its operations, under
// all of its conditions.

import type { PolicySchema } from "../../gen/envoy/config/rbac/v3/rbac_pb.ts";
import { authorizationPolicyKind } from "../../kinds/authorization-policy/authorization-policy.ts";
import type { AuthorizationRule } from "../../kinds/authorization-policy/authorization-policy-spec.ts";
import { type ClaimedField, claims } from "../../kinds/claims.ts";
import type { Plain } from "../encode.ts";
import {
  allOf,
  type Clause,
  type PermissionInit,
  type PrincipalInit,
  permissions,
  principals,
} from "./clause.ts";
import { operationClauses, operationCondition } from "./operations.ts";
import type { RuleContext } from "./rule-context.ts";
import { sourceClauses, sourceCondition } from "./sources.ts";

export type RbacPolicyInit = Plain<typeof PolicySchema>;

export const conditionFields: readonly ClaimedField[] = claims(
  authorizationPolicyKind,
  "spec.rules[].when[]",
  ["key", "values", "notValues"],
);

/** For a policy without rules: it is there, and matches nothing. */
export const NEVER: RbacPolicyInit = {
  permissions: [permissions.not(permissions.any)],
  principals: [principals.not(principals.any)],
};

/**
 * What can't be said, such as HTTP's parts of a rule for a TCP connection, is left out: the rule matches more, which is
 * right for one that denies. `strict`: undefined instead, since a rule that allows must not match more than it says.
 */
export function translateRule(
  rule: AuthorizationRule,
  context: RuleContext,
  mode: "strict" | "lenient",
): RbacPolicyInit | undefined {
  const conditions = conditionClauses(rule, context);
  if (mode === "strict" && conditions.unknownCount > 0) return undefined;
  const { from = [], to = [] } = rule;
  const sources = from.map(({ source = {} }) => sourceClauses(source, context));
  const operations = to.map(({ operation = {} }) => operationClauses(operation, context.transport));
  const who = orAlways(sources).map((clauses) =>
    allOf(principals, [...clauses, ...conditions.principals], mode),
  );
  const what = orAlways(operations).map((clauses) =>
    allOf(permissions, [...clauses, ...conditions.permissions], mode),
  );
  // With one alternative that can't be said, the rule isn't what was written.
  if ([...who, ...what].includes(undefined)) return undefined;
  return { permissions: what.flatMap((each) => each ?? []), principals: who.flatMap((each) => each ?? []) };
}

interface ConditionClauses {
  readonly permissions: readonly Clause<PermissionInit>[];
  readonly principals: readonly Clause<PrincipalInit>[];
  /** Of keys that nobody knows. */
  readonly unknownCount: number;
}

function conditionClauses({ when = [] }: AuthorizationRule, context: RuleContext): ConditionClauses {
  const ofOperation: Clause<PermissionInit>[] = [];
  const ofSource: Clause<PrincipalInit>[] = [];
  for (const { key, values = [], notValues = [] } of when) {
    const operation = operationCondition(key);
    const source = operation === undefined ? sourceCondition(key, context) : undefined;
    if (operation !== undefined) ofOperation.push({ values, notValues, translate: operation });
    if (source !== undefined) ofSource.push({ values, notValues, translate: source });
  }
  return {
    permissions: ofOperation,
    principals: ofSource,
    unknownCount: when.length - ofOperation.length - ofSource.length,
  };
}

/** A rule without sources, or without operations, is for any. */
function orAlways<Match>(alternatives: readonly (readonly Clause<Match>[])[]) {
  return alternatives.length === 0 ? [[]] : alternatives;
}
