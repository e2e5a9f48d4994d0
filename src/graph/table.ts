// Rows by key, as everybody outside the engine sees them, and the store behind both source and derived tables.
// The store notes what a pass touches and says at its end what really changed; it never decides what to write.

import type { Conflict } from "./conflict.ts";
import type { ChangedKeys, Reading, Target } from "./dependencies.ts";
import { GraphMisuse } from "./graph-misuse.ts";
import { structurallyEqual } from "./structural-equality.ts";

/** A row: its key and its value. */
export type Row<V> = readonly [key: string, value: V];

/** The rows that changed, by key; `undefined` for one that is gone. */
export type Changes<V> = ReadonlyMap<string, V | undefined>;

export type Listener<V> = (changes: Changes<V>, revision: number) => void;

/** Read-only rows by key. Row functions read through `Read`, which records it; reading directly inside one throws. */
export interface Table<V> {
  readonly name: string;
  readonly size: number;
  get(key: string): V | undefined;
  /** In no particular order. */
  entries(): Iterable<Row<V>>;
  /** Calls `listener` after each commit that changed rows of this table; returns the function that ends it. */
  watch(listener: Listener<V>): () => void;
}

/** An index as its table keeps it in step. */
export interface KeptIndex<V> {
  readonly name: string;
  /** What computing index keys threw, by row key. */
  readonly failures: ReadonlyMap<string, unknown>;
  /** Takes over what changed (`before`: the old rows); returns the index keys that it concerns. */
  update(before: Changes<V>): ReadonlySet<string>;
}

export type Equal<V> = (a: V, b: V) => boolean;

export interface TableOptions<V> {
  /** Which values need no recomputation of their readers; by content unless told. */
  readonly equal?: Equal<V>;
}

/** Where a table stands in its graph. */
export interface TablePlace {
  readonly name: string;
  /** Order of declaration; a table reads lower positions only. */
  readonly position: number;
  /** Shared by all tables of the graph. */
  readonly activity: Activity;
}

export interface Activity {
  /** The derived table whose row function runs just now. */
  running: string | undefined;
}

const NO_FAILURES: ReadonlyMap<string, unknown> = new Map();

export class StoredTable<V> implements Table<V> {
  readonly name: string;
  readonly position: number;
  readonly indexes: KeptIndex<V>[] = [];
  /** What the functions of the rows that failed threw, by input key. */
  readonly failures: ReadonlyMap<string, unknown> = NO_FAILURES;
  readonly #activity: Activity;
  readonly #equal: Equal<V>;
  readonly #listeners = new Set<Listener<V>>();
  readonly #values = new Map<string, V>();
  /** What the rows that this pass wrote were before it. */
  #before = new Map<string, V | undefined>();
  #sortedKeys: readonly string[] | undefined;
  #sortedRows: readonly Row<V>[] | undefined;

  constructor(place: TablePlace, equal: Equal<V> | undefined) {
    this.name = place.name;
    this.position = place.position;
    this.#activity = place.activity;
    this.#equal = equal ?? structurallyEqual;
  }

  get size(): number {
    this.#assertDirectRead();
    return this.#values.size;
  }

  get(key: string): V | undefined {
    this.#assertDirectRead();
    return this.#values.get(key);
  }

  entries(): Iterable<Row<V>> {
    this.#assertDirectRead();
    return this.#values.entries();
  }

  watch(listener: Listener<V>): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** `get` for the engine itself. */
  peek(key: string): V | undefined {
    return this.#values.get(key);
  }

  /** Every row, sorted by key; the array is shared between callers until a row changes. */
  sortedRows(): readonly Row<V>[] {
    this.#sortedKeys ??= [...this.#values.keys()].sort();
    this.#sortedRows ??= this.#sortedKeys.map((key) => [key, this.#values.get(key) as V] as const);
    return this.#sortedRows;
  }

  /** `undefined` removes the row. */
  write(key: string, value: V | undefined): void {
    if (!this.#before.has(key)) this.#before.set(key, this.#values.get(key));
    if (value === undefined) this.#values.delete(key);
    else this.#values.set(key, value);
  }

  /** Recomputes what the pass so far concerns; returns the input keys whose function threw. */
  refresh(_changed: ChangedKeys): readonly string[] {
    return [];
  }

  conflicts(): readonly Conflict[] {
    return [];
  }

  /** What the row `key` was made of. */
  readingsOf(_key: string): Iterable<Reading> {
    return [];
  }

  /** What the function of the input row `key` was given and read when it last ran. */
  inputsOf(_key: string): Iterable<Reading> {
    return [];
  }

  /** Ends this table's part of a pass: notes in `changed` what differs now, in the table and its indexes. */
  settle(changed: Map<Target, ReadonlySet<string>>): void {
    const before = this.#before;
    if (before.size === 0) return;
    this.#before = new Map();
    for (const [key, old] of before) {
      const value = this.#values.get(key);
      if (!this.#isSame(old, value)) {
        if (old === undefined || value === undefined) this.#sortedKeys = undefined;
        continue;
      }
      // The old object stays, so that whoever kept it still compares equal by identity.
      if (old !== undefined) this.#values.set(key, old);
      before.delete(key);
    }
    if (before.size === 0) return;
    this.#sortedRows = undefined;
    changed.set(this, new Set(before.keys()));
    for (const index of this.indexes) changed.set(index, index.update(before));
  }

  /** Tells each listener what became of `keys`; what listeners throw is returned, so that all are told. */
  notify(keys: ReadonlySet<string>, revision: number): unknown[] {
    const thrown: unknown[] = [];
    if (this.#listeners.size === 0) return thrown;
    const changes = new Map<string, V | undefined>();
    for (const key of keys) changes.set(key, this.#values.get(key));
    for (const listener of [...this.#listeners]) {
      try {
        listener(changes, revision);
      } catch (error) {
        thrown.push(error);
      }
    }
    return thrown;
  }

  #isSame(old: V | undefined, value: V | undefined): boolean {
    if (old === undefined || value === undefined) return old === value;
    return old === value || this.#equal(old, value);
  }

  #assertDirectRead(): void {
    const { running } = this.#activity;
    if (running === undefined) return;
    throw new GraphMisuse(
      `Cannot read "${this.name}" past the recorder in "${running}": use the read it was given`,
    );
  }
}

/** A table whose rows are written by commits. */
export class SourceTable<V> extends StoredTable<V> {
  /** Keeps source and derived tables apart for the type checker. */
  readonly kind = "source";
}
