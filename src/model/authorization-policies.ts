// Which AuthorizationPolicies may be for workloads of a namespace. None comes before another: all of them count.

import type { Read } from "../graph/read.ts";
import {
  type AuthorizationPolicy,
  authorizationPolicyKind,
} from "../kinds/authorization-policy/authorization-policy.ts";
import { type ClaimedField, claims } from "../kinds/claims.ts";
import type { EnforcedPolicies, PolicyScope } from "./enforced-policies.ts";
import { policiesOfNamespace, policyChoiceFields } from "./workload-policies.ts";

export const authorizationChoiceFields: readonly ClaimedField[] = claims(
  authorizationPolicyKind,
  "spec",
  policyChoiceFields,
);

type AuthorizationPolicies = EnforcedPolicies<AuthorizationPolicy>;

/** Of all that may be for workloads of the namespace. */
export function authorizationScopesOf(
  read: Read,
  { scopes }: AuthorizationPolicies,
  namespace: string,
): readonly PolicyScope[] {
  return policiesOfNamespace(read, scopes, namespace);
}
