// Who may call a workload: the AuthorizationPolicies for it, with what they need of the rest of the mesh. Workloads that
// the same policies are for share one row, however many they are.

import type { Read } from "../graph/read.ts";
import {
  type AuthorizationPolicy,
  authorizationPolicyKind,
} from "../kinds/authorization-policy/authorization-policy.ts";
import { isDryRun } from "../kinds/authorization-policy/dry-run.ts";
import { explainsDenialsAt } from "../kinds/authorization-policy/explain-denials.ts";
import { isRefusedPolicy } from "../kinds/authorization-policy/refused-policy.ts";
import { type ClaimedField, claims } from "../kinds/claims.ts";
import type { ExtensionProvider } from "../kinds/mesh-config/extension-provider.ts";
import { meshConfigKind } from "../kinds/mesh-config/mesh-config.ts";
import type { Model } from "../model/model.ts";
import { findProviderServer } from "../model/provider-server.ts";
import { keyOf } from "../model/sources.ts";
import type {
  AuthorizationInputs,
  AuthorizationPolicyInputs,
  AuthorizationProvider,
} from "./authorization-inputs.ts";
import type { PolicyContext } from "./policy-sets.ts";

export const authorizationFields: readonly ClaimedField[] = [
  ...claims(authorizationPolicyKind, ["spec.action", "spec.provider.name"]),
  ...claims(meshConfigKind, "spec", [
    "trustDomainAliases",
    "extensionProviders[].name",
    "extensionProviders[].envoyExtAuthzHttp.service",
    "extensionProviders[].envoyExtAuthzGrpc.service",
  ]),
];

/** The order of policies decides nothing; bytes don't depend on it either. */
export function authorizationInputs(
  objects: readonly AuthorizationPolicy[],
  { read, model, isGateway }: PolicyContext,
): AuthorizationInputs {
  const policies = [...objects].sort(byKey).map(policyInputs);
  const { trustDomain, trustDomainAliases } = read.one(model.settings);
  return {
    policies,
    providers: providersOf(policies, model, read),
    trustDomains: [...new Set([trustDomain, ...trustDomainAliases])],
    allowsSeveralProviders: true,
    explainsDenials: objects.some(({ metadata: { annotations } }) =>
      explainsDenialsAt(annotations).includes(isGateway ? "gateways" : "sidecars"),
    ),
  };
}

function byKey(a: AuthorizationPolicy, b: AuthorizationPolicy): number {
  return keyOf(a) < keyOf(b) ? -1 : 1;
}

function policyInputs(policy: AuthorizationPolicy): AuthorizationPolicyInputs {
  const { metadata, spec = {} } = policy;
  const { namespace, name } = metadata;
  return {
    namespace,
    name,
    action: spec.action ?? "ALLOW",
    isDryRun: isDryRun(metadata),
    ...(isRefusedPolicy(policy) ? { isRefused: true } : {}),
    provider: spec.provider?.name ?? "",
    rules: spec.rules ?? [],
  };
}

/** Those that the policies ask, as far as they are there. */
function providersOf(
  policies: readonly AuthorizationPolicyInputs[],
  model: Model,
  read: Read,
): Readonly<Record<string, AuthorizationProvider>> {
  const asked = new Set(policies.flatMap(({ action, provider }) => (action === "CUSTOM" ? [provider] : [])));
  const providers = read.one(model.settings).extensionProviders.flatMap((provider) => {
    const { name = "" } = provider;
    const resolved = asked.has(name) ? resolveProvider(provider, model, read) : undefined;
    return resolved === undefined ? [] : [[name, resolved] as const];
  });
  // Of several with one name the first counts.
  return Object.fromEntries(providers.reverse());
}

/** Undefined for providers of other things than authorization. */
function resolveProvider(
  { envoyExtAuthzHttp, envoyExtAuthzGrpc }: ExtensionProvider,
  model: Model,
  read: Read,
): AuthorizationProvider | undefined {
  if (envoyExtAuthzHttp !== undefined) {
    return {
      kind: "http",
      settings: envoyExtAuthzHttp,
      server: findProviderServer(envoyExtAuthzHttp, model, read),
    };
  }
  if (envoyExtAuthzGrpc !== undefined) {
    return {
      kind: "grpc",
      settings: envoyExtAuthzGrpc,
      server: findProviderServer(envoyExtAuthzGrpc, model, read),
    };
  }
  return undefined;
}
