// How a row function sees other tables: each call is recorded as a dependency of the row at work.
// Never hands out a table declared later: that is what keeps the graph free of cycles.

import type { Dependencies } from "./dependencies.ts";
import { GraphMisuse } from "./graph-misuse.ts";
import type { Row, Table, TablePlace } from "./table.ts";
import { StoredTable } from "./table.ts";
import type { Index } from "./table-index.ts";
import { TableIndex } from "./table-index.ts";

export interface Read {
  /** One row; a missing one is recorded too, so that its arrival recomputes the reader. */
  get<V>(table: Table<V>, key: string): V | undefined;
  /** The row of a table made by `deriveOne`. Throws if there is none, which is only so after its function threw. */
  one<V>(table: Table<V>): V;
  /** The rows under `indexKey`, sorted by row key. */
  find<V>(index: Index<V>, indexKey: string): readonly Row<V>[];
  /** All rows, sorted by key. The reader is recomputed whenever any row changes. */
  all<V>(table: Table<V>): readonly Row<V>[];
}

/** The key of the only row of a table made by `deriveOne`. */
export const ONLY_KEY = "";

/** Reads that belong to nobody, for those outside the graph: explanations, debug pages, tests. */
export const untrackedRead: Omit<Read, "one"> = {
  get: (table, key) => table.get(key),
  find: (index, indexKey) => indexOf(index).find(indexKey),
  all: (table) => storeOf(table).sortedRows(),
};

/** The reads of one derived table, which work only while one of its row functions runs. */
export class RecordingRead implements Read {
  readonly #reader: TablePlace;
  readonly #dependencies: Dependencies;

  constructor(reader: TablePlace, dependencies: Dependencies) {
    this.#reader = reader;
    this.#dependencies = dependencies;
  }

  /** Runs `body` and makes all it reads the dependencies of `row`, also if it throws. */
  during<T>(row: string, body: () => T): T {
    this.#dependencies.begin();
    this.#reader.activity.running = this.#reader.name;
    try {
      return body();
    } finally {
      this.#reader.activity.running = undefined;
      this.#dependencies.end(row);
    }
  }

  get<V>(table: Table<V>, key: string): V | undefined {
    const store = this.#readable(storeOf(table));
    this.#dependencies.record(store, key);
    return store.peek(key);
  }

  one<V>(table: Table<V>): V {
    const value = this.get(table, ONLY_KEY);
    if (value === undefined) throw new Error(`Cannot read the row of "${table.name}": it has none`);
    return value;
  }

  find<V>(index: Index<V>, indexKey: string): readonly Row<V>[] {
    const found = indexOf(index);
    this.#readable(found.table);
    this.#dependencies.record(found, indexKey);
    return found.find(indexKey);
  }

  all<V>(table: Table<V>): readonly Row<V>[] {
    const store = this.#readable(storeOf(table));
    this.#dependencies.record(store, undefined);
    return store.sortedRows();
  }

  #readable<V>(table: StoredTable<V>): StoredTable<V> {
    const { name, position, activity } = this.#reader;
    if (activity.running !== name) {
      throw new GraphMisuse(`Cannot read "${table.name}" for "${name}": its row function has returned`);
    }
    if (table.position >= position) {
      throw new GraphMisuse(`Cannot read "${table.name}" in "${name}": it isn't declared before it`);
    }
    return table;
  }
}

/** The store behind a table of a graph. */
export function storeOf<V>(table: Table<V>): StoredTable<V> {
  if (!(table instanceof StoredTable))
    throw new GraphMisuse(`Cannot use "${table.name}": it isn't of a graph`);
  return table;
}

/** The index behind its handle. */
export function indexOf<V>(index: Index<V>): TableIndex<V> {
  if (!(index instanceof TableIndex))
    throw new GraphMisuse(`Cannot use "${index.name}": it isn't of a graph`);
  return index;
}
