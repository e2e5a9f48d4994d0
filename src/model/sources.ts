// The source tables of the model: one for each kind that config depends on, rows by `namespace/name`.

import { type ObjectKey, objectKey } from "../core/object-key.ts";
import type { Graph, Transaction } from "../graph/graph.ts";
import type { SourceTable } from "../graph/table.ts";
import { kindsWithRole, type ModeledObjects } from "../kinds/all-kinds.ts";
import type { KubernetesObject } from "../kinds/define-kind.ts";

export type Sources = { readonly [K in keyof ModeledObjects]: SourceTable<ModeledObjects[K]> };

/** Objects of other kinds are none of the model's business, and are passed over by `writeObject`. */
export function declareSources(graph: Graph): Sources {
  const tables = kindsWithRole("modeled").map(({ kind }) => [kind, graph.source(kind)] as const);
  // The list of names and that of types are one: all-kinds.
  return Object.fromEntries(tables) as unknown as Sources;
}

/** The key of an object's row: `namespace/name`, with an empty namespace for those that have none. */
export function rowKey(namespace: string | undefined, name: string): string {
  return `${namespace ?? ""}/${name}`;
}

/** The key of an object among objects of all kinds. */
export function keyOf({ kind, metadata: { namespace = "", name } }: KubernetesObject): ObjectKey {
  return objectKey({ kind, namespace, name });
}

/** The object must have the form that its kind declares: what comes from outside was checked at the edge. */
export function writeObject(transaction: Transaction, sources: Sources, object: KubernetesObject): void {
  const table = tableOf(sources, object.kind);
  if (table === undefined) return;
  transaction.set(table, rowKey(object.metadata.namespace, object.metadata.name), object);
}

export interface ObjectName {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

export function deleteObject(
  transaction: Transaction,
  sources: Sources,
  { kind, namespace, name }: ObjectName,
): void {
  const table = tableOf(sources, kind);
  if (table !== undefined) transaction.delete(table, rowKey(namespace, name));
}

/** Undefined where there is none, or the kind is none of the model's business. */
export function findObject(
  sources: Sources,
  { kind, namespace, name }: ObjectName,
): KubernetesObject | undefined {
  return tableOf(sources, kind)?.get(rowKey(namespace, name));
}

function tableOf(sources: Sources, kind: string): SourceTable<KubernetesObject> | undefined {
  // Each table's rows are objects of its kind; the name that picks the table is the object's own.
  return Object.hasOwn(sources, kind)
    ? (sources[kind as keyof Sources] as unknown as SourceTable<KubernetesObject>)
    : undefined;
}
