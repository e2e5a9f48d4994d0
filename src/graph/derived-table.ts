// A table computed row by row from another: each input row yields output rows, and what it read decides when it runs again.
// A row function that throws is reported, with the outputs of its row as they were; it never stops another row.

import { Claims } from "./claims.ts";
import type { Conflict } from "./conflict.ts";
import type { ChangedKeys, Reading } from "./dependencies.ts";
import { Dependencies } from "./dependencies.ts";
import type { Read } from "./read.ts";
import { RecordingRead } from "./read.ts";
import type { Table, TableOptions, TablePlace } from "./table.ts";
import { StoredTable } from "./table.ts";

export interface Derivation<I, O> extends TableOptions<O> {
  readonly name: string;
  /** One call of `rows` for each row of this table. */
  readonly from: Table<I>;
  /**
   * The output rows of one input row: pure, and each key at most once. An `undefined` value is no row.
   * Whatever else it needs it reads through `read`.
   */
  readonly rows: (key: string, input: I, read: Read) => Iterable<readonly [string, O | undefined]>;
  /**
   * What becomes of an input row's outputs when its function throws. They are kept unless said otherwise: a fault of the program
   * in one row would otherwise take away what works. What may be given out only on good grounds is withdrawn.
   */
  readonly whenFailing?: "keep" | "withdraw";
}

export class DerivedTable<I, O> extends StoredTable<O> {
  override readonly failures = new Map<string, unknown>();
  readonly #from: StoredTable<I>;
  readonly #rows: Derivation<I, O>["rows"];
  readonly #whenFailing: "keep" | "withdraw";
  readonly #dependencies = new Dependencies();
  readonly #claims: Claims<O>;
  readonly #read: RecordingRead;

  constructor(place: TablePlace, from: StoredTable<I>, derivation: Derivation<I, O>) {
    super(place, derivation.equal);
    this.#from = from;
    this.#rows = derivation.rows;
    this.#whenFailing = derivation.whenFailing ?? "keep";
    this.#claims = new Claims(this);
    this.#read = new RecordingRead(place, this.#dependencies);
  }

  override refresh(changed: ChangedKeys): readonly string[] {
    const dirty = new Set(changed.get(this.#from));
    this.#dependencies.collectReaders(changed, dirty);
    const failed: string[] = [];
    for (const key of dirty) {
      const input = this.#from.peek(key);
      this.failures.delete(key);
      if (input === undefined) {
        this.#dependencies.forget(key);
        this.#claims.withdraw(key);
      } else if (!this.#recompute(key, input)) {
        failed.push(key);
      }
    }
    return failed;
  }

  override conflicts(): readonly Conflict[] {
    return this.#claims.conflicts();
  }

  override readingsOf(key: string): Iterable<Reading> {
    return this.inputsOf(this.#claims.ownerOf(key) ?? key);
  }

  override inputsOf(key: string): Iterable<Reading> {
    return [{ target: this.#from, key }, ...this.#dependencies.readingsOf(key)];
  }

  #recompute(key: string, input: I): boolean {
    try {
      const outputs = this.#read.during(key, () => collect(this.#rows(key, input, this.#read)));
      this.#claims.replace(key, outputs);
      return true;
    } catch (error) {
      this.failures.set(key, error);
      if (this.#whenFailing === "withdraw") this.#claims.withdraw(key);
      return false;
    }
  }
}

const NO_OUTPUTS: ReadonlyMap<string, never> = new Map<string, never>();

function collect<O>(rows: Iterable<readonly [string, O | undefined]>): ReadonlyMap<string, O> {
  if (Array.isArray(rows) && rows.length === 0) return NO_OUTPUTS;
  const outputs = new Map<string, O>();
  for (const [key, value] of rows) {
    if (value === undefined) continue;
    if (outputs.has(key)) throw new Error(`Cannot produce the row "${key}" twice from one input`);
    outputs.set(key, value);
  }
  return outputs;
}
