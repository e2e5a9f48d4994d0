// The rows whose function threw when it last ran, each with what it was changed by. It judges nothing.

import type { ChangedKeys, Reading } from "./dependencies.ts";
import { type SourceRow, traceCauses } from "./trace-causes.ts";

/** A function that threw: a fault of the program, kept to the row where it arose. */
export interface RowFailure {
  /** The derived table or the index. */
  readonly table: string;
  /** The input row's key. */
  readonly key: string;
  readonly error: unknown;
  /** What had been changed when it began to fail, nearest first. */
  readonly causes: readonly SourceRow[];
}

/** A row whose function threw in this pass, and what it was given. */
export interface Failed {
  readonly table: string;
  readonly key: string;
  readonly readings: Iterable<Reading>;
}

interface Failing {
  readonly name: string;
  /** What was thrown, by input key. */
  readonly failures: ReadonlyMap<string, unknown>;
}

export interface FailingMember extends Failing {
  readonly indexes: readonly Failing[];
}

export class FailureLedger {
  readonly #members: readonly FailingMember[];
  readonly #listeners = new Set<() => void>();
  #failures: ReadonlyMap<string, RowFailure> = new Map();

  /** More may be added to `members` before the first pass. */
  constructor(members: readonly FailingMember[]) {
    this.#members = members;
  }

  /** By order of table. */
  all(): readonly RowFailure[] {
    return [...this.#failures.values()];
  }

  watch(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes over what a pass has left; `errors` are those of this pass. A row that goes on failing keeps its causes. */
  note(
    failed: readonly Failed[],
    changed: ChangedKeys,
  ): { readonly errors: readonly RowFailure[]; readonly haveChanged: boolean } {
    const before = this.#failures;
    if (failed.length === 0 && before.size === 0) return { errors: [], haveChanged: false };
    const readings = new Map(failed.map((each) => [idOf(each.table, each.key), each.readings]));
    const now = new Map<string, RowFailure>();
    for (const { name, failures } of this.#members.flatMap((member) => [member, ...member.indexes])) {
      for (const [key, error] of failures) {
        const id = idOf(name, key);
        const causes = before.get(id)?.causes ?? traceCauses(readings.get(id) ?? [], changed);
        now.set(id, { table: name, key, error, causes });
      }
    }
    this.#failures = now;
    const errors = [...now].flatMap(([id, failure]) => (readings.has(id) ? [failure] : []));
    return { errors, haveChanged: errors.length > 0 || now.size !== before.size };
  }

  /** What listeners throw is returned, so that all are told. */
  tell(): readonly unknown[] {
    const thrown: unknown[] = [];
    for (const listener of [...this.#listeners]) {
      try {
        listener();
      } catch (error) {
        thrown.push(error);
      }
    }
    return thrown;
  }
}

function idOf(table: string, key: string): string {
  return `${table}\n${key}`;
}
