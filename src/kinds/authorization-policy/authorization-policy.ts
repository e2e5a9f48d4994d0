// AuthorizationPolicy: which requests a workload lets through, by who asks, for what, and under which conditions.

import type { AdmissionRule } from "../admission.ts";
import { atMostOne, selectorAdmission, targetAdmission } from "../admission.ts";
import type { ObjectOf } from "../define-kind.ts";
import { defineKind } from "../define-kind.ts";
import { policyTargetReference, policyTargetRules } from "../policy-target.ts";
import type { TypeOf } from "../schema.ts";
import { anything, choice, list, message, text } from "../schema.ts";
import { workloadSelector } from "../workload-selector.ts";
import { authorizationPolicyRules } from "./rules.ts";

/** `Source` */
export const source = message({
  principals: list(text()),
  notPrincipals: list(text()),
  requestPrincipals: list(text()),
  notRequestPrincipals: list(text()),
  namespaces: list(text()),
  notNamespaces: list(text()),
  serviceAccounts: list(text()),
  notServiceAccounts: list(text()),
  ipBlocks: list(text()),
  notIpBlocks: list(text()),
  remoteIpBlocks: list(text()),
  notRemoteIpBlocks: list(text()),
  trustDomains: list(text()),
  notTrustDomains: list(text()),
});

/** `Operation` */
export const operation = message({
  hosts: list(text()),
  notHosts: list(text()),
  ports: list(text()),
  notPorts: list(text()),
  methods: list(text()),
  notMethods: list(text()),
  paths: list(text()),
  notPaths: list(text()),
});

/** `Condition` */
export const condition = message(
  { values: list(text()), notValues: list(text()) },
  { required: { key: text() } },
);

/** `Rule` */
export const authorizationRule = message({
  from: list(message({ source })),
  to: list(message({ operation })),
  when: list(condition),
});

export const authorizationPolicySpec = message({
  selector: workloadSelector,
  targetRef: policyTargetReference,
  targetRefs: list(policyTargetReference),
  rules: list(authorizationRule),
  action: choice("ALLOW", "DENY", "AUDIT", "CUSTOM"),
  provider: message({ name: text() }),
});

export const authorizationPolicyKind = defineKind({
  kind: "AuthorizationPolicy",
  group: "security.istio.io",
  versions: { served: ["v1", "v1beta1"], storage: "v1" },
  plural: "authorizationpolicies",
  shortNames: ["ap"],
  scope: "Namespaced",
  roles: ["modeled"],
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
export type AuthorizationPolicySpec = TypeOf<typeof authorizationPolicySpec>;
export type AuthorizationRule = TypeOf<typeof authorizationRule>;
export type AuthorizationSource = TypeOf<typeof source>;
export type AuthorizationOperation = TypeOf<typeof operation>;
export type AuthorizationCondition = TypeOf<typeof condition>;

// A service account's name says its namespace and its principal.
function serviceAccountsRule(accounts: string, ...others: readonly string[]): AdmissionRule {
  const clash = others.map((name) => `has(self.${name})`).join(" || ");
  return {
    rule: `!has(self.${accounts}) || !(${clash})`,
    message: "Cannot set serviceAccounts with namespaces or principals",
  };
}
