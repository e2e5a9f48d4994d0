// Several tables read as one. Where a key is in more than one of them, the first in order has it.

import type { ChangedKeys, Reading } from "./dependencies.ts";
import type { TablePlace } from "./table.ts";
import { StoredTable } from "./table.ts";

export class UnionTable<V> extends StoredTable<V> {
  readonly #tables: readonly StoredTable<V>[];

  constructor(place: TablePlace, tables: readonly StoredTable<V>[]) {
    // Rows were compared where they were made.
    super(place, Object.is);
    this.#tables = tables;
  }

  override refresh(changed: ChangedKeys): readonly string[] {
    for (const table of this.#tables) {
      for (const key of changed.get(table) ?? []) this.write(key, this.#first(key));
    }
    return [];
  }

  override readingsOf(key: string): Iterable<Reading> {
    return this.#tables.map((target) => ({ target, key }));
  }

  #first(key: string): V | undefined {
    for (const table of this.#tables) {
      const value = table.peek(key);
      if (value !== undefined) return value;
    }
    return undefined;
  }
}
