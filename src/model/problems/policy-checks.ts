// What is checked of each kind of security policy: of those that are stored, and of one that is about to be.

import type { AuthorizationPolicy } from "../../kinds/authorization-policy/authorization-policy.ts";
import type { PeerAuthentication } from "../../kinds/peer-authentication.ts";
import type { RequestAuthentication } from "../../kinds/request-authentication.ts";
import {
  checkAuthorizationProvider,
  checkHttpFieldsOfConnections,
  checkPolicySelector,
  checkPrincipals,
  checkRanges,
} from "./authorization-policy.ts";
import type { Check } from "./check.ts";
import { checkConnectionProviders } from "./connection-providers.ts";
import { checkImpossibleRules, checkUncheckedTokens } from "./impossible-rules.ts";
import { checkIssuerKeys } from "./issuer-keys.ts";
import { checkPeerAuthenticationScope } from "./peer-authentication-scope.ts";
import { checkUnguardedPods } from "./policy-coverage.ts";
import { checkPolicyNamespaces } from "./policy-namespaces.ts";
import { checkPolicyPaths } from "./policy-paths.ts";
import { checkPolicyTargets } from "./policy-targets.ts";
import { checkProviderVisibility } from "./provider-visibility.ts";
import { checkRefusedPolicy } from "./refused-policy.ts";
import { checkShutOutGateways, checkShutOutPrometheus } from "./shut-out-callers.ts";
import { checkShutOutProbes } from "./shut-out-probes.ts";

const ofAuthorizationPolicies: readonly Check<AuthorizationPolicy>[] = [
  checkRefusedPolicy,
  checkAuthorizationProvider,
  checkHttpFieldsOfConnections,
  checkPrincipals,
  checkPolicySelector,
  checkRanges,
  checkConnectionProviders,
  checkPolicyPaths,
  checkPolicyNamespaces,
  checkProviderVisibility,
  checkShutOutGateways,
  checkShutOutPrometheus,
  checkShutOutProbes,
  checkImpossibleRules,
  checkUncheckedTokens,
  checkPolicyTargets,
  checkUnguardedPods,
];
const ofRequestAuthentications: readonly Check<RequestAuthentication>[] = [
  checkIssuerKeys,
  checkPolicyTargets,
];
const ofPeerAuthentications: readonly Check<PeerAuthentication>[] = [checkPeerAuthenticationScope];

export const policyChecks = {
  AuthorizationPolicy: ofAuthorizationPolicies,
  RequestAuthentication: ofRequestAuthentications,
  PeerAuthentication: ofPeerAuthentications,
} as const;
