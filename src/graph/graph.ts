// Derived tables: source tables are written by commits, derived ones follow by themselves, and only where something changed.
// One synchronous pass for each commit, in order of declaration. Knows nothing of what its rows mean.

import type { Conflict } from "./conflict.ts";
import type { ChangedKeys, Target } from "./dependencies.ts";
import type { Derivation } from "./derived-table.ts";
import { DerivedTable } from "./derived-table.ts";
import { type Failed, type FailingMember, FailureLedger, type RowFailure } from "./failure-ledger.ts";
import { GraphMisuse } from "./graph-misuse.ts";
import { GroupedTable } from "./grouped-table.ts";
import { IndexKeysTable } from "./index-keys-table.ts";
import type { Read } from "./read.ts";
import { indexOf, ONLY_KEY, storeOf } from "./read.ts";
import type { Activity, Listener, Row, StoredTable, Table, TableOptions, TablePlace } from "./table.ts";
import { SourceTable } from "./table.ts";
import type { Index } from "./table-index.ts";
import { TableIndex } from "./table-index.ts";
import { UnionTable } from "./union-table.ts";

export interface Transaction {
  /** `value` must not be changed afterwards. */
  set<V>(table: SourceTable<V>, key: string, value: V): void;
  delete<V>(table: SourceTable<V>, key: string): void;
}

export interface Commit {
  /** Counts the commits that changed something; one that changed nothing has its predecessor's. */
  readonly revision: number;
  /** The keys of rows that were added, changed or removed, for tables that have any. */
  readonly changed: ReadonlyMap<Table<unknown>, ReadonlySet<string>>;
  /** What threw in this commit; `Graph.failures` tells what still stands. */
  readonly errors: readonly RowFailure[];
}

export interface SingleDerivation<V> extends TableOptions<V> {
  readonly name: string;
  readonly value: (read: Read) => V;
}

/** The part of a StoredTable that is the same whatever its rows are. */
interface Member
  extends Table<unknown>,
    FailingMember,
    Pick<StoredTable<unknown>, "inputsOf" | "refresh" | "settle" | "notify" | "conflicts"> {}

export class Graph {
  readonly #members: Member[] = [];
  readonly #names = new Set<string>();
  readonly #activity: Activity = { running: undefined };
  /** The one input row of every table made by `deriveOne`; written by the first commit. */
  readonly #unit: SourceTable<true>;
  readonly #failures = new FailureLedger(this.#members);
  #revision = 0;
  #isSealed = false;
  #isCommitting = false;

  constructor() {
    this.#unit = this.source("(unit)");
  }

  /** The number of the last commit that changed something; 0 before the first. */
  get revision(): number {
    return this.#revision;
  }

  source<V>(name: string, options: TableOptions<V> = {}): SourceTable<V> {
    const table = new SourceTable<V>(this.#place(name), options.equal);
    this.#members.push(table);
    return table;
  }

  /** Rows of `table` by the keys that `keysOf` gives; `keysOf` is pure. */
  index<V>(table: Table<V>, name: string, keysOf: (value: V, key: string) => Iterable<string>): Index<V> {
    this.#claimName(name);
    const store = storeOf(table);
    const index = new TableIndex(store, name, keysOf);
    store.indexes.push(index);
    return index;
  }

  /** A table whose rows follow from the rows of `from`, one function call for each. */
  derive<I, O>(derivation: Derivation<I, O>): Table<O> {
    const table = new DerivedTable(this.#place(derivation.name), storeOf(derivation.from), derivation);
    this.#members.push(table);
    return table;
  }

  /** The groups of an index as rows: each index key with the rows under it, sorted by row key. */
  group<V>(name: string, index: Index<V>): Table<readonly Row<V>[]> {
    const table = new GroupedTable(this.#place(name), indexOf(index));
    this.#members.push(table);
    return table;
  }

  /** The keys of an index as rows, each as long as any row is under it. */
  keys<V>(name: string, index: Index<V>): Table<true> {
    const table = new IndexKeysTable(this.#place(name), indexOf(index));
    this.#members.push(table);
    return table;
  }

  /** All rows of several tables; a key that is in more than one has the row of the first of them. */
  union<V>(name: string, tables: readonly Table<V>[]): Table<V> {
    const table = new UnionTable(this.#place(name), tables.map(storeOf));
    this.#members.push(table);
    return table;
  }

  /** A table of one row, read by `read.one`; computed by the first commit, and again when what it read changes. */
  deriveOne<V>({ value, ...options }: SingleDerivation<V>): Table<V> {
    return this.derive<true, V>({
      ...options,
      from: this.#unit,
      rows: (_key, _input, read) => [[ONLY_KEY, value(read)]],
    });
  }

  /** Same as `table.watch`. */
  watch<V>(table: Table<V>, listener: Listener<V>): () => void {
    return table.watch(listener);
  }

  /**
   * Applies all that `write` asks for at once, brings every derived table in step, then tells the listeners.
   * If `write` throws, nothing is applied. Breaking a rule of the graph throws after the pass has ended.
   */
  commit(write: (transaction: Transaction) => void): Commit {
    if (this.#isCommitting)
      throw new GraphMisuse("Cannot commit inside a commit: do it after it has returned");
    this.#isSealed = true;
    const writes = stage(write);
    this.#isCommitting = true;
    try {
      for (const apply of writes) apply();
      if (this.#revision === 0) this.#unit.write(ONLY_KEY, true);
      return this.#run();
    } finally {
      this.#isCommitting = false;
    }
  }

  /** Output keys with several claimants, by order of table, then key. */
  conflicts(): readonly Conflict[] {
    return this.#members.flatMap((member) => member.conflicts());
  }

  /** The rows whose function threw when it last ran, and those that an index couldn't place. */
  failures(): readonly RowFailure[] {
    return this.#failures.all();
  }

  /** Calls after a commit in which a row failed, or one that had failed no longer does; returns what ends it. */
  watchFailures(listener: () => void): () => void {
    return this.#failures.watch(listener);
  }

  #run(): Commit {
    const changedKeys = new Map<Target, ReadonlySet<string>>();
    const failed: Failed[] = [];
    for (const member of this.#members) {
      for (const key of member.refresh(changedKeys)) {
        failed.push({ table: member.name, key, readings: member.inputsOf(key) });
      }
      member.settle(changedKeys);
      failed.push(...failedInIndexes(member, changedKeys));
    }
    const { errors, haveChanged } = this.#failures.note(failed, changedKeys);
    if (changedKeys.size > 0) this.#revision += 1;
    const changed = new Map<Table<unknown>, ReadonlySet<string>>();
    const thrown: unknown[] = errors
      .map(({ error }) => error)
      .filter((error) => error instanceof GraphMisuse);
    for (const member of this.#members) {
      const keys = changedKeys.get(member);
      if (keys === undefined || member === this.#unit) continue;
      changed.set(member, keys);
      thrown.push(...member.notify(keys, this.#revision));
    }
    if (haveChanged) thrown.push(...this.#failures.tell());
    if (thrown.length > 0)
      throw new AggregateError(thrown, `Commit ${this.#revision} was applied, but something threw`);
    return { revision: this.#revision, changed, errors };
  }

  #place(name: string): TablePlace {
    this.#claimName(name);
    return { name, position: this.#members.length, activity: this.#activity };
  }

  #claimName(name: string): void {
    if (this.#isSealed) throw new GraphMisuse(`Cannot declare "${name}": the first commit has been made`);
    if (this.#names.has(name)) throw new GraphMisuse(`Cannot declare "${name}": there is one of that name`);
    this.#names.add(name);
  }
}

/** What `write` asks for, checked, with nothing applied yet. */
function stage(write: (transaction: Transaction) => void): (() => void)[] {
  const writes: (() => void)[] = [];
  const add = <V>(table: SourceTable<V>, key: string, value: V | undefined): void => {
    if (!(table instanceof SourceTable)) throw new GraphMisuse("Cannot write to a table that isn't a source");
    writes.push(() => table.write(key, value));
  };
  write({ set: add, delete: (table, key) => add(table, key, undefined) });
  return writes;
}

function failedInIndexes(member: Member, changedKeys: ChangedKeys): Failed[] {
  const keys = changedKeys.get(member);
  if (keys === undefined) return [];
  return member.indexes.flatMap(({ name, failures }) =>
    [...failures.keys()]
      .filter((key) => keys.has(key))
      .map((key) => ({ table: name, key, readings: [{ target: member, key }] })),
  );
}
