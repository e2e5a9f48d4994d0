// Policies that have several providers asked about connections that aren't HTTP: each takes a place in the listeners of
// its workloads, and there are few.

import { MAX_CONNECTION_PROVIDERS } from "../../core/connection-providers.ts";
import type { Problem } from "../../core/problem.ts";
import type { AuthorizationPolicy } from "../../kinds/authorization-policy/authorization-policy.ts";
import { isDryRun } from "../../kinds/authorization-policy/dry-run.ts";
import { authorizationScopesOf } from "../authorization-policies.ts";
import type { PolicyScope } from "../enforced-policies.ts";
import { rowKey } from "../sources.ts";
import { type CheckContext, problemAt, quoted } from "./check.ts";

export function* checkConnectionProviders(
  object: AuthorizationPolicy,
  context: CheckContext,
): Iterable<Problem> {
  const own = connectionProviderOf(object, context);
  if (own === undefined) return;
  const { read, model } = context;
  const others = authorizationScopesOf(
    read,
    model.enforcedPolicies.AuthorizationPolicy,
    object.metadata.namespace,
  ).flatMap((scope) => {
    if (!mayMeet(scope, object)) return [];
    const { namespace, name } = scope.metadata;
    // The policy may have another provider than what is stored of it.
    if (namespace === object.metadata.namespace && name === object.metadata.name) return [];
    const policy = read.get(model.enforcedPolicies.AuthorizationPolicy.table, rowKey(namespace, name));
    return (policy && connectionProviderOf(policy, context)) ?? [];
  });
  const names = [...new Set([own, ...others])].sort();
  if (names.length < 2) return;
  const isCrowded = names.length > MAX_CONNECTION_PROVIDERS;
  yield problemAt(object, "spec.provider.name", {
    code: "MLT2036",
    severity: isCrowded ? "warning" : "info",
    message: isCrowded
      ? `More than ${MAX_CONNECTION_PROVIDERS} providers may be asked about a workload's connections that aren't HTTP (${quoted(names)}); then all that their rules match are refused`
      : `Workloads whose connections ${quoted(names)} are asked about have another listener: where the second provider comes or goes, connections to ports that aren't HTTP are closed once`,
  });
}

/** Whom it has asked about connections: a provider that is asked by gRPC. */
function connectionProviderOf(
  { metadata, spec = {} }: AuthorizationPolicy,
  { settings }: CheckContext,
): string | undefined {
  if (spec.action !== "CUSTOM" || isDryRun(metadata)) return undefined;
  const name = spec.provider?.name ?? "";
  const provider = settings.extensionProviders.find((each) => each.name === name);
  return provider?.envoyExtAuthzGrpc === undefined ? undefined : name;
}

/** Some workload may have what both choose. */
function mayMeet({ choice }: PolicyScope, { spec = {} }: AuthorizationPolicy): boolean {
  const labels = spec.selector?.matchLabels ?? {};
  return Object.entries(choice.labels ?? {}).every(([key, value]) => (labels[key] ?? value) === value);
}
