// The schema of the spec of kind AuthorizationPolicy, and the types that follow from it.

import { policyTargetReference } from "../policy-target.ts";
import type { TypeOf } from "../schema.ts";
import { choice, list, message, text } from "../schema.ts";
import { workloadSelector } from "../workload-selector.ts";

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

export type AuthorizationPolicySpec = TypeOf<typeof authorizationPolicySpec>;
export type AuthorizationRule = TypeOf<typeof authorizationRule>;
export type AuthorizationSource = TypeOf<typeof source>;
export type AuthorizationOperation = TypeOf<typeof operation>;
export type AuthorizationCondition = TypeOf<typeof condition>;
