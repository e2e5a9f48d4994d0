// Which rows of one derived table read what: one edge for each thing read, shared by all of its readers.
// It records and looks up; it never recomputes anything.

import { type KeySet, keysIn, withKey, withoutKey } from "./key-set.ts";

/** A table or an index, compared by identity alone. */
export type Target = object;

/** What a pass changed so far: row keys of tables, index keys of indexes; targets without a change are absent. */
export type ChangedKeys = ReadonlyMap<Target, ReadonlySet<string>>;

/** What was read: a row, the rows under an index key, or with no key a whole table. */
export interface Reading {
  readonly target: Target;
  readonly key: string | undefined;
}

/** One thing that was read. */
interface Edge {
  readonly target: Target;
  /** The key that was read, there or not; `undefined` for the whole table. */
  readonly key: string | undefined;
  readers: KeySet | undefined;
  /** The last run that recorded it. */
  run: number;
}

const NO_EDGES: readonly Edge[] = [];

export class Dependencies {
  readonly #edgesByTarget = new Map<Target, Map<string | undefined, Edge>>();
  readonly #edgesByRow = new Map<string, readonly Edge[]>();
  #run = 0;
  /** Of the row at work. Reused, and copied when it ends: an array that grew has room for 16 more. */
  readonly #recorded: Edge[] = [];

  /** Starts recording what one row reads. */
  begin(): void {
    this.#run += 1;
    this.#recorded.length = 0;
  }

  /** Records that the row at work read `key` of `target`, or all of it. */
  record(target: Target, key: string | undefined): void {
    const edge = this.#edge(target, key);
    if (edge.run === this.#run) return;
    edge.run = this.#run;
    this.#recorded.push(edge);
  }

  /** Ends recording: what `row` read since `begin` replaces what it read before. */
  end(row: string): void {
    const before = this.#edgesByRow.get(row) ?? NO_EDGES;
    const recorded = this.#recorded;
    if (isSameList(before, recorded)) return;
    for (const edge of before) {
      if (edge.run !== this.#run) this.#unlink(edge, row);
    }
    for (const edge of recorded) edge.readers = withKey(edge.readers, row);
    if (recorded.length === 0) this.#edgesByRow.delete(row);
    else this.#edgesByRow.set(row, recorded.slice());
  }

  forget(row: string): void {
    for (const edge of this.#edgesByRow.get(row) ?? NO_EDGES) this.#unlink(edge, row);
    this.#edgesByRow.delete(row);
  }

  /** What `row` read when it last ran. */
  readingsOf(row: string): readonly Reading[] {
    return this.#edgesByRow.get(row) ?? NO_EDGES;
  }

  /** Adds to `rows` those that read something which this pass changed. */
  collectReaders(changed: ChangedKeys, rows: Set<string>): void {
    for (const [target, edges] of this.#edgesByTarget) {
      const keys = changed.get(target);
      if (keys === undefined) continue;
      addReaders(edges.get(undefined), rows);
      for (const key of keys) addReaders(edges.get(key), rows);
    }
  }

  #edge(target: Target, key: string | undefined): Edge {
    let edges = this.#edgesByTarget.get(target);
    if (edges === undefined) {
      edges = new Map();
      this.#edgesByTarget.set(target, edges);
    }
    let edge = edges.get(key);
    if (edge === undefined) {
      edge = { target, key, readers: undefined, run: 0 };
      edges.set(key, edge);
    }
    return edge;
  }

  #unlink(edge: Edge, row: string): void {
    if (edge.readers !== undefined) edge.readers = withoutKey(edge.readers, row);
    if (edge.readers === undefined) this.#edgesByTarget.get(edge.target)?.delete(edge.key);
  }
}

function addReaders(edge: Edge | undefined, rows: Set<string>): void {
  if (edge?.readers === undefined) return;
  for (const row of keysIn(edge.readers)) rows.add(row);
}

function isSameList(a: readonly Edge[], b: readonly Edge[]): boolean {
  return a.length === b.length && a.every((edge, position) => edge === b[position]);
}
