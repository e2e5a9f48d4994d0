// AuthorizationPolicy: which requests a workload lets through, by who asks, for what, and under which conditions.

import type { AdmissionRule } from "../admission.ts";
import { atMostOne, selectorAdmission, targetAdmission } from "../admission.ts";
import type { ObjectOf } from "../define-kind.ts";
import { defineKind } from "../define-kind.ts";
import { policyTargetRules } from "../policy-target.ts";
import { anything } from "../schema.ts";
import { authorizationPolicySpec } from "./authorization-policy-spec.ts";
import { authorizationPolicyRules } from "./rules.ts";

export const authorizationPolicyKind = defineKind({
  kind: "AuthorizationPolicy",
  group: "security.istio.io",
  versions: { served: ["v1", "v1beta1"], storage: "v1" },
  plural: "authorizationpolicies",
  shortNames: ["ap"],
  scope: "Namespaced",
  roles: ["modeled", "enforced"],
  description:
    "Which requests the workloads of a namespace, or chosen ones, let through: by who asks, for what, and under which conditions.",
  fields: { spec: authorizationPolicySpec, status: anything() },
  columns: [{ title: "Action", path: "spec.action" }],
  rules: [policyTargetRules, authorizationPolicyRules],
  admission: {
    spec: {
      rules: [
        atMostOne("only one of targetRefs or selector can be set", "selector", "targetRef", "targetRefs"),
      ],
    },
    ...selectorAdmission("spec.selector.matchLabels"),
    ...targetAdmission("targetRef", "targetRefs"),
    "spec.rules": { maxItems: 512 },
    "spec.rules[].from": { maxItems: 512 },
    "spec.rules[].from[].source": {
      rules: [
        serviceAccountsRule("serviceAccounts", "namespaces", "principals"),
        serviceAccountsRule("notServiceAccounts", "notNamespaces", "notPrincipals"),
      ],
    },
    "spec.rules[].from[].source.serviceAccounts": { maxItems: 16 },
    "spec.rules[].from[].source.notServiceAccounts": { maxItems: 16 },
  },
});

export type AuthorizationPolicy = ObjectOf<typeof authorizationPolicyKind>;

// A service account's name says its namespace and its principal.
function serviceAccountsRule(accounts: string, ...others: readonly string[]): AdmissionRule {
  const clash = others.map((name) => `has(self.${name})`).join(" || ");
  return {
    rule: `!has(self.${accounts}) || !(${clash})`,
    message: "Cannot set serviceAccounts with namespaces or principals",
  };
}
