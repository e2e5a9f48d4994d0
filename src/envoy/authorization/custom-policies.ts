// Policies of the action CUSTOM, by provider. Their rules run as shadow rules, which decide nothing and say by metadata
// that they match; then the provider is asked. A policy whose provider can't be asked denies what it matches.

import { RBAC_Action } from "../../gen/envoy/config/rbac/v3/rbac_pb.ts";
import type { AuthorizationInputs, AuthorizationPolicyInputs } from "../../view/authorization-inputs.ts";
import {
  type ExternalAuthorization,
  externalAuthorization,
  providerPrefix,
} from "./external-authorization.ts";
import { type NamedRules, namedRules, type RbacInit, rbac } from "./policies.ts";
import type { Transport } from "./rule-context.ts";

export type CustomRules =
  | { readonly kind: "ask"; readonly rules: RbacInit; readonly provider: ExternalAuthorization }
  | { readonly kind: "deny"; readonly rules: RbacInit };

/** In the order of the providers' names. A dry run asks nobody: it would not be one. */
export function customRules(inputs: AuthorizationInputs, transport: Transport): readonly CustomRules[] {
  const policies = inputs.policies.filter(({ action, isDryRun }) => action === "CUSTOM" && !isDryRun);
  const providers = [...new Set(policies.map(({ provider }) => provider))].sort();
  const areTooMany = providers.length > 1 && !inputs.allowsSeveralProviders;
  return providers.map((name): CustomRules => {
    const named = rulesOf(
      policies.filter(({ provider }) => provider === name),
      { name, inputs, transport },
    );
    const provider = areTooMany ? undefined : externalAuthorization(name, inputs.providers[name]);
    return provider === undefined
      ? {
          kind: "deny",
          rules: rbac(
            RBAC_Action.DENY,
            renamed(named, (each) => `${each}${BAD}`),
          ),
        }
      : { kind: "ask", rules: rbac(RBAC_Action.DENY, named), provider };
  });
}

const BAD = "-deny-due-to-bad-CUSTOM-action";

function rulesOf(
  policies: readonly AuthorizationPolicyInputs[],
  {
    name,
    inputs: { trustDomains },
    transport,
  }: { name: string; inputs: AuthorizationInputs; transport: Transport },
): NamedRules {
  const named = namedRules(policies, { transport, trustDomains, mode: "lenient" });
  return renamed(named, (each) => `${providerPrefix(name)}-${each}`);
}

function renamed(rules: NamedRules, name: (old: string) => string): NamedRules {
  return Object.fromEntries(Object.entries(rules).map(([old, rule]) => [name(old), rule]));
}
