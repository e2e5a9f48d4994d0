// The rows of an index as a table of their own: one row for each index key that has any, so that a function can
// run once for each group.

import type { ChangedKeys, Reading } from "./dependencies.ts";
import type { Row, TablePlace } from "./table.ts";
import { StoredTable } from "./table.ts";
import type { TableIndex } from "./table-index.ts";

export class GroupedTable<V> extends StoredTable<readonly Row<V>[]> {
  readonly #index: TableIndex<V>;

  constructor(place: TablePlace, index: TableIndex<V>) {
    super(place, haveSameRows);
    this.#index = index;
  }

  override refresh(changed: ChangedKeys): readonly string[] {
    for (const key of changed.get(this.#index) ?? []) {
      const rows = this.#index.find(key);
      this.write(key, rows.length === 0 ? undefined : rows);
    }
    return [];
  }

  override readingsOf(key: string): Iterable<Reading> {
    return [{ target: this.#index, key }];
  }
}

/** Values are compared by identity: an equal value that didn't change is the same object still. */
function haveSameRows<V>(a: readonly Row<V>[], b: readonly Row<V>[]): boolean {
  return a.length === b.length && a.every(([key, value], at) => b[at]?.[0] === key && b[at]?.[1] === value);
}
