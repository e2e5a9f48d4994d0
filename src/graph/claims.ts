// Who may write which row of a derived table: every output key has one owner, the claimant with the smallest input key.
// What a claimant no longer produces is withdrawn, and the next claimant takes its place. Order of arrival never matters.

import type { Conflict } from "./conflict.ts";
import type { StoredTable } from "./table.ts";

export class Claims<O> {
  readonly #table: StoredTable<O>;
  readonly #ownerByKey = new Map<string, string>();
  /** Only for keys with two claimants or more: what each of them produced. */
  readonly #rivalsByKey = new Map<string, Map<string, O>>();
  /** Most rows produce one output, which needs no array. */
  readonly #keysByRow = new Map<string, string | readonly string[]>();

  constructor(table: StoredTable<O>) {
    this.#table = table;
  }

  /** `outputs` become all that `row` produces. */
  replace(row: string, outputs: ReadonlyMap<string, O>): void {
    for (const key of this.#keysOf(row)) {
      if (!outputs.has(key)) this.#release(row, key);
    }
    let onlyKey: string | undefined;
    for (const [key, value] of outputs) {
      this.#claim(row, key, value);
      onlyKey = key;
    }
    if (onlyKey === undefined) this.#keysByRow.delete(row);
    else this.#keysByRow.set(row, outputs.size === 1 ? onlyKey : [...outputs.keys()]);
  }

  withdraw(row: string): void {
    for (const key of this.#keysOf(row)) this.#release(row, key);
    this.#keysByRow.delete(row);
  }

  /** The row that `key` is from. */
  ownerOf(key: string): string | undefined {
    return this.#ownerByKey.get(key);
  }

  /** In order of output key. */
  conflicts(): Conflict[] {
    const found: Conflict[] = [];
    for (const [key, rivals] of this.#rivalsByKey) {
      const claimants = [...rivals.keys()].sort();
      found.push({ table: this.#table.name, key, owner: smallest(claimants), claimants });
    }
    return found.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  #keysOf(row: string): readonly string[] {
    const keys = this.#keysByRow.get(row);
    if (keys === undefined) return [];
    return typeof keys === "string" ? [keys] : keys;
  }

  #claim(row: string, key: string, value: O): void {
    const owner = this.#ownerByKey.get(key);
    if (owner === undefined || (owner === row && !this.#rivalsByKey.has(key))) {
      this.#ownerByKey.set(key, row);
      this.#table.write(key, value);
      return;
    }
    let rivals = this.#rivalsByKey.get(key);
    if (rivals === undefined) {
      rivals = new Map([[owner, this.#table.peek(key) as O]]);
      this.#rivalsByKey.set(key, rivals);
    }
    rivals.set(row, value);
    this.#crown(key, rivals);
  }

  #release(row: string, key: string): void {
    const rivals = this.#rivalsByKey.get(key);
    if (rivals === undefined) {
      this.#ownerByKey.delete(key);
      this.#table.write(key, undefined);
      return;
    }
    rivals.delete(row);
    this.#crown(key, rivals);
    if (rivals.size === 1) this.#rivalsByKey.delete(key);
  }

  #crown(key: string, rivals: ReadonlyMap<string, O>): void {
    const owner = smallest(rivals.keys());
    this.#ownerByKey.set(key, owner);
    this.#table.write(key, rivals.get(owner));
  }
}

function smallest(keys: Iterable<string>): string {
  let found: string | undefined;
  for (const key of keys) {
    if (found === undefined || key < found) found = key;
  }
  if (found === undefined) throw new Error("Cannot choose an owner among no claimants");
  return found;
}
