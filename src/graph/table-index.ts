// The rows of one table by keys computed from them, kept up to date row by row.
// Never scans its table: a commit costs as much as it changes.

import type { ChangedKeys, Reading } from "./dependencies.ts";
import { type KeySet, keysIn, withKey, withoutKey } from "./key-set.ts";
import type { Changes, Row, StoredTable } from "./table.ts";

/** A handle for `Read.find`. `keysOf` is pure: it is asked again for an old value to find where that stood. */
export interface Index<V> {
  readonly name: string;
  readonly table: { readonly name: string };
  readonly keysOf: (value: V, key: string) => Iterable<string>;
}

interface Bucket<V> {
  keys: KeySet;
  /** Dropped when a row in it changes, made again by the next reader. */
  rows: readonly Row<V>[] | undefined;
}

export class TableIndex<V> implements Index<V> {
  readonly name: string;
  readonly table: StoredTable<V>;
  readonly keysOf: (value: V, key: string) => Iterable<string>;
  readonly failures = new Map<string, unknown>();
  readonly #buckets = new Map<string, Bucket<V>>();

  constructor(table: StoredTable<V>, name: string, keysOf: (value: V, key: string) => Iterable<string>) {
    this.table = table;
    this.name = name;
    this.keysOf = keysOf;
  }

  /** Sorted by row key; the array is shared between callers until a row in it changes. */
  find(indexKey: string): readonly Row<V>[] {
    const bucket = this.#buckets.get(indexKey);
    if (bucket === undefined) return [];
    bucket.rows ??= [...keysIn(bucket.keys)].sort().map((key) => [key, this.table.peek(key) as V] as const);
    return bucket.rows;
  }

  /** Whether any row is under the key. */
  has(indexKey: string): boolean {
    return this.#buckets.has(indexKey);
  }

  /**
   * Takes over what changed in its table (`before`: the old rows); returns the index keys that it concerns.
   * A row for which `keysOf` throws stands nowhere and is listed in `failures`.
   */
  update(before: Changes<V>): ReadonlySet<string> {
    const touched = new Set<string>();
    for (const [key, old] of before) {
      if (old !== undefined && !this.failures.delete(key)) {
        for (const indexKey of this.keysOf(old, key)) {
          this.#remove(indexKey, key);
          touched.add(indexKey);
        }
      }
      const value = this.table.peek(key);
      if (value !== undefined) {
        for (const indexKey of this.#keysOrFailure(value, key)) {
          this.#add(indexKey, key);
          touched.add(indexKey);
        }
      }
    }
    return touched;
  }

  /** The rows that the pass changed and that are under the key, or were removed and may have been. */
  *readingsOf(indexKey: string, changed: ChangedKeys): Iterable<Reading> {
    for (const key of [...(changed.get(this.table) ?? [])].sort()) {
      const value = this.table.peek(key);
      const mayBeUnder =
        value === undefined || this.failures.has(key) || [...this.keysOf(value, key)].includes(indexKey);
      if (mayBeUnder) yield { target: this.table, key };
    }
  }

  #keysOrFailure(value: V, key: string): Iterable<string> {
    try {
      const keys = this.keysOf(value, key);
      // A generator throws while it is gone through.
      return Array.isArray(keys) ? keys : [...keys];
    } catch (error) {
      this.failures.set(key, error);
      return [];
    }
  }

  #add(indexKey: string, key: string): void {
    const bucket = this.#buckets.get(indexKey);
    if (bucket === undefined) {
      this.#buckets.set(indexKey, { keys: key, rows: undefined });
      return;
    }
    bucket.keys = withKey(bucket.keys, key);
    bucket.rows = undefined;
  }

  #remove(indexKey: string, key: string): void {
    const bucket = this.#buckets.get(indexKey);
    if (bucket === undefined) return;
    const keys = withoutKey(bucket.keys, key);
    if (keys === undefined) {
      this.#buckets.delete(indexKey);
      return;
    }
    bucket.keys = keys;
    bucket.rows = undefined;
  }
}
