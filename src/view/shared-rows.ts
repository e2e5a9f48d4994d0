// Rows that many proxies share: by an id that says all of the row, so that one more proxy changes and computes nothing.

import { hash } from "node:crypto";
import type { Graph } from "../graph/graph.ts";
import type { Row, Table } from "../graph/table.ts";

/** Equal for equal content, and for no other; 22 characters. */
export function contentId(content: unknown): string {
  return hash("sha256", JSON.stringify(content), "base64url").slice(0, 22);
}

/** One row for each id, however many proxies share it. */
export function distinct<V extends { readonly id: string }>(
  graph: Graph,
  name: string,
  ofProxy: Table<V>,
): Table<V> {
  const groups = graph.group(
    `${name} by id`,
    graph.index(ofProxy, `ids of ${name}`, ({ id }) => [id]),
  );
  return graph.derive<readonly Row<V>[], V>({
    name,
    from: groups,
    rows: (id, members) => members.slice(0, 1).map(([, view]) => [id, view] as const),
    // The id says all of the rest.
    equal: (a, b) => a.id === b.id,
  });
}
