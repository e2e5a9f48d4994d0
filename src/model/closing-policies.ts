// AuthorizationPolicies whose changes are to close the connections that they concern. A table of these alone, so that an
// edit of any other policy changes nothing that depends on it.

import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import type { AuthorizationPolicy } from "../kinds/authorization-policy/authorization-policy.ts";
import type { AuthorizationPolicySpec } from "../kinds/authorization-policy/authorization-policy-spec.ts";
import { closesConnections } from "../kinds/authorization-policy/close-connections.ts";
import { isDryRun } from "../kinds/authorization-policy/dry-run.ts";
import { type PolicyScope, scopeOf } from "./enforced-policies.ts";
import type { MeshSettings } from "./mesh-settings.ts";
import type { Sources } from "./sources.ts";
import {
  declareWorkloadPolicies,
  policiesOf,
  type Workload,
  type WorkloadPolicies,
} from "./workload-policies.ts";

export interface ClosingPolicy extends PolicyScope {
  /** What it decides. */
  readonly decides: Pick<AuthorizationPolicySpec, "action" | "provider" | "rules">;
  /** Of the workload, to which its rules speak. */
  readonly ports: "all" | readonly number[];
}

export type ClosingPolicies = WorkloadPolicies<ClosingPolicy>;

export function declareClosingPolicies(
  graph: Graph,
  sources: Sources,
  settings: Table<MeshSettings>,
): ClosingPolicies {
  const table = graph.derive<AuthorizationPolicy, ClosingPolicy>({
    name: "AuthorizationPolicies that close connections",
    from: sources.AuthorizationPolicy,
    rows: (key, policy) =>
      closesConnections(policy.metadata) && !isDryRun(policy.metadata) ? [[key, closingPolicy(policy)]] : [],
  });
  return declareWorkloadPolicies(graph, settings, {
    name: "closing AuthorizationPolicy",
    table,
    choiceOf: ({ choice }) => choice,
    rootLabelsChooseFrom: "every namespace",
  });
}

/** Those for the workload, by name. */
export function closingPoliciesOf(
  read: Read,
  policies: ClosingPolicies,
  workload: Workload,
): readonly ClosingPolicy[] {
  const { mesh, namespace, workload: own } = policiesOf(read, policies, workload);
  const nameOf = ({ metadata }: ClosingPolicy) => `${metadata.namespace}/${metadata.name}`;
  return [...mesh, ...namespace, ...own].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}

function closingPolicy(policy: AuthorizationPolicy): ClosingPolicy {
  const { action = "ALLOW", provider, rules = [] } = policy.spec ?? {};
  return {
    ...scopeOf(policy),
    decides: { action, ...(provider && { provider }), rules },
    ports: portsOf(rules),
  };
}

/** All as soon as one rule speaks of any port. */
function portsOf(rules: NonNullable<AuthorizationPolicySpec["rules"]>): ClosingPolicy["ports"] {
  const lists = rules.flatMap(({ to = [] }) =>
    to.length === 0 ? [[]] : to.map(({ operation }) => operation?.ports ?? []),
  );
  if (lists.length === 0 || lists.some((ports) => ports.length === 0)) return "all";
  return [...new Set(lists.flat().map(Number))].sort((a, b) => a - b);
}
