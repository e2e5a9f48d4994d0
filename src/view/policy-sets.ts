// Policies that a proxy enforces for its workload. Which of them hold is a set; workloads with the same set share one
// row, however many they are, and an edit of a policy changes that row and moves no proxy.

import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import type { Model } from "../model/model.ts";
import type { Workload } from "../model/workload-policies.ts";
import { type ConnectedProxy, workloadOf } from "./client-scope.ts";
import type { Provenance } from "./provenance.ts";
import { distinct } from "./shared-rows.ts";

/** Which policies hold; what they say isn't in it. */
export interface PolicySet {
  /** The same for the same policies, and for no others. */
  readonly id: string;
}

export interface PolicyRow<Inputs> {
  readonly inputs: Inputs;
  readonly provenance: Provenance;
}

export interface PolicySets<Set extends PolicySet = PolicySet, Inputs = unknown> {
  /** By the proxy's key; every proxy has a set, if only the empty one. */
  readonly ofProxy: Table<Set>;
  /** By the set's id, for the sets that some proxy has. */
  readonly table: Table<PolicyRow<Inputs>>;
}

/** A proxy's workload, as far as policies choose by it. */
export interface PolicySubject extends Workload {
  readonly isGateway: boolean;
}

interface PolicyDerivation<Set extends PolicySet, Inputs> {
  /** In the names of tables. */
  readonly name: string;
  readonly setOf: (read: Read, subject: PolicySubject) => Set;
  readonly rowOf: (read: Read, set: Set) => PolicyRow<Inputs>;
}

export function declarePolicySets<Set extends PolicySet, Inputs>(
  { graph, model, proxies }: PolicyTables,
  { name, setOf, rowOf }: PolicyDerivation<Set, Inputs>,
): PolicySets<Set, Inputs> {
  const ofProxy = graph.derive<ConnectedProxy, Set>({
    name: `${name} of proxies`,
    from: proxies,
    rows(key, proxy, read) {
      const labels = workloadOf(proxy, model, read)?.labels ?? proxy.labels;
      const isGateway = proxy.kind === "router";
      return [[key, setOf(read, { namespace: proxy.namespace, labels, isGateway })]];
    },
  });
  const table = graph.derive<Set, PolicyRow<Inputs>>({
    name,
    from: distinct(graph, `${name} sets`, ofProxy),
    rows: (id, set, read) => [[id, rowOf(read, set)]],
  });
  return { ofProxy, table };
}

/** What policies are declared on. */
export interface PolicyTables {
  readonly graph: Graph;
  readonly model: Model;
  readonly proxies: Table<ConnectedProxy>;
}
