// Who may call a workload: the AuthorizationPolicies for it, with what they need of the rest of the mesh. Workloads that
// the same policies are for share one row, however many they are.

import { outboundClusterName } from "../core/cluster-name.ts";
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
import { findNamed } from "../model/host-table.ts";
import type { Model } from "../model/model.ts";
import type { MeshService } from "../model/service.ts";
import { keyOf } from "../model/sources.ts";
import type {
  AuthorizationInputs,
  AuthorizationPolicyInputs,
  AuthorizationProvider,
  AuthorizationServer,
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
    return { kind: "http", settings: envoyExtAuthzHttp, server: findServer(envoyExtAuthzHttp, model, read) };
  }
  if (envoyExtAuthzGrpc !== undefined) {
    return { kind: "grpc", settings: envoyExtAuthzGrpc, server: findServer(envoyExtAuthzGrpc, model, read) };
  }
  return undefined;
}

/** A host without a namespace must be that of one service alone. */
function findServer(
  { service = "", port }: { readonly service?: string; readonly port?: number },
  model: Model,
  read: Read,
): AuthorizationServer | undefined {
  const slash = service.indexOf("/");
  const hostname = service.slice(slash + 1);
  const found: readonly MeshService[] =
    slash === -1
      ? findNamed(read, model.hostClaims, hostname).map(([, each]) => each)
      : [read.get(model.services, service)].flatMap((each) => each ?? []);
  const [server, another] = found;
  if (server === undefined || another !== undefined) return undefined;
  if (!server.ports.some(({ number }) => number === port) || port === undefined) return undefined;
  return { hostname, cluster: outboundClusterName({ port, subset: "", hostname }) };
}
