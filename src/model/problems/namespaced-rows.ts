// Rows that checks of a policy look through: those of its namespace, or all of them for a policy of the root namespace, which
// is for all. A table holds only what the checks are about, so that they run again when that changes, and nothing else.

import type { Graph } from "../../graph/graph.ts";
import type { Read } from "../../graph/read.ts";
import type { Row, Table } from "../../graph/table.ts";
import type { Index } from "../../graph/table-index.ts";
import type { AuthorizationPolicy } from "../../kinds/authorization-policy/authorization-policy.ts";
import type { MeshSettings } from "../mesh-settings.ts";

export interface NamespacedRows<V> {
  readonly table: Table<V>;
  readonly byNamespace: Index<V>;
}

export function declareNamespacedRows<V extends { readonly namespace: string }>(
  graph: Graph,
  table: Table<V>,
): NamespacedRows<V> {
  const byNamespace = graph.index(table, `${table.name} by namespace`, ({ namespace }) => [namespace]);
  return { table, byNamespace };
}

export function rowsFor<V>(
  { metadata: { namespace } }: AuthorizationPolicy,
  { table, byNamespace }: NamespacedRows<V>,
  { read, settings }: { readonly read: Read; readonly settings: Pick<MeshSettings, "rootNamespace"> },
): readonly Row<V>[] {
  return namespace === settings.rootNamespace ? read.all(table) : read.find(byNamespace, namespace);
}
