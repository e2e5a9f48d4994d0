// The keys of an index as a table of their own: one row for each that has any rows. However many stand under a key,
// one more costs nothing: whoever asks only whether there are any reads this instead of them.

import type { ChangedKeys, Reading } from "./dependencies.ts";
import type { TablePlace } from "./table.ts";
import { StoredTable } from "./table.ts";
import type { TableIndex } from "./table-index.ts";

export class IndexKeysTable<V> extends StoredTable<true> {
  readonly #index: TableIndex<V>;

  constructor(place: TablePlace, index: TableIndex<V>) {
    super(place, undefined);
    this.#index = index;
  }

  override refresh(changed: ChangedKeys): readonly string[] {
    for (const key of changed.get(this.#index) ?? [])
      this.write(key, this.#index.has(key) ? true : undefined);
    return [];
  }

  override readingsOf(key: string): Iterable<Reading> {
    return [{ target: this.#index, key }];
  }
}
