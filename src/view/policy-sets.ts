// Policies that a proxy enforces for its workload. Which of them hold is a set; workloads with the same set share one
// row, however many they are, and an edit of a policy changes that row and moves no proxy.

import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import type { EnforcedKind, EnforcedObjects } from "../kinds/all-kinds.ts";
import { enforcedPolicyKeys } from "../model/enforced-policies.ts";
import type { Model } from "../model/model.ts";
import { keyOf } from "../model/sources.ts";
import { type ConnectedProxy, workloadOf } from "./client-scope.ts";
import type { Provenance } from "./provenance.ts";
import { distinct } from "./shared-rows.ts";

/** Which policies hold; what they say isn't in it. */
export interface PolicySet {
  /** Says all of the rest: `sidecar`, or `gateway`, and the policies, such as `sidecar istio-system/all shop/web`. */
  readonly id: string;
  readonly isGateway: boolean;
  /** Keys of their rows, in order. */
  readonly policies: readonly string[];
}

export interface PolicyRow<Inputs> {
  readonly inputs: Inputs;
  readonly provenance: Provenance;
}

export interface PolicySets<Inputs = unknown> {
  /** By the proxy's key; every proxy has a set, if only the empty one. */
  readonly ofProxy: Table<PolicySet>;
  /** By the set's id, for the sets that some proxy has. */
  readonly table: Table<PolicyRow<Inputs>>;
}

/** What policies are declared on. */
export interface PolicyTables {
  readonly graph: Graph;
  readonly model: Model;
  readonly proxies: Table<ConnectedProxy>;
}

export interface PolicyContext {
  readonly read: Read;
  readonly model: Model;
  readonly isGateway: boolean;
}

/** `inputsOf`: what the builder of the kind's slots sees of the policies that hold, and of the rest of the mesh. */
export function declarePolicySets<K extends EnforcedKind, Inputs>(
  { graph, model, proxies }: PolicyTables,
  kind: K,
  inputsOf: (policies: readonly EnforcedObjects[K][], context: PolicyContext) => Inputs,
): PolicySets<Inputs> {
  const policiesOfKind = model.enforcedPolicies[kind];
  const ofProxy = graph.derive<ConnectedProxy, PolicySet>({
    name: `${kind} sets of proxies`,
    from: proxies,
    rows(key, proxy, read) {
      const labels = workloadOf(proxy, model, read)?.labels ?? proxy.labels;
      const workload = { namespace: proxy.namespace, labels };
      const policies = enforcedPolicyKeys(read, policiesOfKind, workload);
      const isGateway = proxy.kind === "router";
      return [[key, { id: [isGateway ? "gateway" : "sidecar", ...policies].join(" "), isGateway, policies }]];
    },
  });
  const table = graph.derive<PolicySet, PolicyRow<Inputs>>({
    name: `${kind} sets in force`,
    from: distinct(graph, `${kind} sets`, ofProxy),
    rows(id, { isGateway, policies }, read) {
      const objects = policies.flatMap((key) => read.get(policiesOfKind.table, key) ?? []);
      const inputs = inputsOf(objects, { read, model, isGateway });
      return [[id, { inputs, provenance: objects.map((object) => ({ object: keyOf(object) })) }]];
    },
  });
  return { ofProxy, table };
}
