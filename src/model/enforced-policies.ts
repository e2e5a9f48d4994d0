// Policies that the proxies of the workloads they choose enforce: every kind with the role `enforced`, by one means. Whom
// a policy is for is kept apart from what it says, so that an edit of the one doesn't touch the other.

import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import { type EnforcedKind, type EnforcedObjects, kindsWithRole } from "../kinds/all-kinds.ts";
import type { MeshSettings } from "./mesh-settings.ts";
import { rowKey, type Sources } from "./sources.ts";
import {
  type ChoosingSpec,
  choiceOfSpec,
  declareWorkloadPolicies,
  type PolicyChoice,
  type PolicyObject,
  policiesOf,
  type Workload,
  type WorkloadPolicies,
} from "./workload-policies.ts";

/** What decides whom a policy is for, and nothing else of it. */
export interface PolicyScope extends PolicyObject {
  readonly choice: PolicyChoice;
}

export interface EnforcedPolicies<Policy> {
  /** By `namespace/name`. */
  readonly table: Table<Policy>;
  readonly scopes: WorkloadPolicies<PolicyScope>;
}

export type EnforcedPolicyTables = {
  readonly [K in EnforcedKind]: EnforcedPolicies<EnforcedObjects[K]>;
};

/** How the specs of all these kinds say whom they are for. */
interface ChoosingPolicy extends PolicyObject {
  readonly spec?: ChoosingSpec;
}

export function declareEnforcedPolicies(
  graph: Graph,
  sources: Sources,
  settings: Table<MeshSettings>,
): EnforcedPolicyTables {
  const tables = kindsWithRole("enforced").map(({ kind }) => {
    const table: Table<ChoosingPolicy> = sources[kind as EnforcedKind];
    const scopeTable = graph.derive<ChoosingPolicy, PolicyScope>({
      name: `scopes of ${kind} policies`,
      from: table,
      rows: (key, policy) => [[key, scopeWithAge(policy)]],
    });
    const scopes = declareWorkloadPolicies(graph, settings, {
      name: kind,
      table: scopeTable,
      choiceOf: ({ choice }) => choice,
      rootLabelsChooseFrom: "every namespace",
    });
    return [kind, { table, scopes }] as const;
  });
  // The list of names and that of types are one: all-kinds.
  return Object.fromEntries(tables) as unknown as EnforcedPolicyTables;
}

/** Row keys of those for the workload, in Istio's order: the root namespace's, then its own, each oldest first. */
export function enforcedPolicyKeys(
  read: Read,
  { scopes }: Pick<EnforcedPolicies<unknown>, "scopes">,
  workload: Workload,
): readonly string[] {
  const { rootNamespace } = read.one(scopes.settings);
  const { mesh, namespace, workload: chosen } = policiesOf(read, scopes, workload);
  const all = [...mesh, ...namespace, ...chosen].map(({ metadata }) => metadata);
  const ofRoot = all.filter((metadata) => metadata.namespace === rootNamespace);
  const own = all.filter((metadata) => metadata.namespace !== rootNamespace);
  return [...ofRoot, ...own].map((metadata) => rowKey(metadata.namespace, metadata.name));
}

/** The older of two comes first. */
function scopeWithAge(policy: ChoosingPolicy): PolicyScope {
  const { creationTimestamp } = policy.metadata;
  const { metadata, ...scope } = scopeOf(policy);
  return { ...scope, metadata: { ...metadata, ...(creationTimestamp && { creationTimestamp }) } };
}

export function scopeOf({ apiVersion, kind, metadata, spec = {} }: ChoosingPolicy): PolicyScope {
  const { namespace, name } = metadata;
  return { apiVersion, kind, metadata: { namespace, name }, choice: choiceOfSpec(spec) };
}
