// Which AuthorizationPolicies are for a workload. Unlike other policies none stands over another: all of them count, so
// there is no order, and an edit of what a policy says changes nothing here.

import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import {
  type AuthorizationPolicy,
  authorizationPolicyKind,
} from "../kinds/authorization-policy/authorization-policy.ts";
import { type ClaimedField, claims } from "../kinds/claims.ts";
import type { MeshSettings } from "./mesh-settings.ts";
import { rowKey, type Sources } from "./sources.ts";
import {
  declareWorkloadPolicies,
  type PolicyChoice,
  type PolicyObject,
  policiesOf,
  policiesOfNamespace,
  type Workload,
  type WorkloadPolicies,
} from "./workload-policies.ts";

export const authorizationChoiceFields: readonly ClaimedField[] = claims(authorizationPolicyKind, "spec", [
  "selector.matchLabels.*",
  ...(["targetRef.group", "targetRef.kind", "targetRef.name", "targetRef.namespace"] as const),
  ...(["targetRefs[].group", "targetRefs[].kind", "targetRefs[].name", "targetRefs[].namespace"] as const),
]);

/** What decides whom a policy is for, and nothing else of it. */
export interface AuthorizationScope extends PolicyObject {
  readonly choice: PolicyChoice;
}

export interface AuthorizationPolicies {
  /** By `namespace/name`. */
  readonly table: Table<AuthorizationPolicy>;
  readonly scopes: WorkloadPolicies<AuthorizationScope>;
}

export function declareAuthorizationPolicies(
  graph: Graph,
  sources: Sources,
  settings: Table<MeshSettings>,
): AuthorizationPolicies {
  const table = graph.derive<AuthorizationPolicy, AuthorizationScope>({
    name: "scopes of AuthorizationPolicies",
    from: sources.AuthorizationPolicy,
    rows: (key, policy) => [[key, scopeOf(policy)]],
  });
  const scopes = declareWorkloadPolicies(graph, settings, {
    name: "AuthorizationPolicy",
    table,
    choiceOf: ({ choice }) => choice,
    rootLabelsChooseFrom: "every namespace",
  });
  return { table: sources.AuthorizationPolicy, scopes };
}

/** The keys of those for the workload, sorted. */
export function authorizationPoliciesOf(
  read: Read,
  { scopes }: AuthorizationPolicies,
  workload: Workload,
): readonly string[] {
  const { mesh, namespace, workload: own } = policiesOf(read, scopes, workload);
  return [...mesh, ...namespace, ...own]
    .map(({ metadata }) => rowKey(metadata.namespace, metadata.name))
    .sort();
}

/** Of all that may be for workloads of the namespace. */
export function authorizationScopesOf(
  read: Read,
  { scopes }: AuthorizationPolicies,
  namespace: string,
): readonly AuthorizationScope[] {
  return policiesOfNamespace(read, scopes, namespace);
}

export function scopeOf({ apiVersion, kind, metadata, spec = {} }: AuthorizationPolicy): AuthorizationScope {
  const { namespace, name } = metadata;
  const { selector, targetRef, targetRefs = [] } = spec;
  const targets = targetRef === undefined ? targetRefs : [targetRef, ...targetRefs];
  const choice = { labels: selector?.matchLabels, targets };
  return { apiVersion, kind, metadata: { namespace, name }, choice };
}
