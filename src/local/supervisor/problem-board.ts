// All problems that the mesh has now, by who found them; tells the whole list when it has changed.

import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../../core/clock.ts";
import type { Problem } from "../../core/problem.ts";
import { stableJson } from "../workloads/template-hash.ts";

const SETTLE_MS = 20;

export class ProblemBoard {
  readonly #problemsBySource = new Map<string, readonly Problem[]>();
  readonly #clock: Clock;
  readonly #onChange: (problems: readonly Problem[]) => void;
  #told = "[]";
  #isDue = false;

  constructor(clock: Clock, onChange: (problems: readonly Problem[]) => void) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** Replaces all that `source` said before. */
  set(source: string, problems: readonly Problem[]): void {
    // Controllers say all of theirs after every pass, nearly always the same.
    if (isDeepStrictEqual(this.#problemsBySource.get(source) ?? [], problems)) return;
    if (problems.length === 0) this.#problemsBySource.delete(source);
    else this.#problemsBySource.set(source, problems);
    if (this.#isDue) return;
    this.#isDue = true;
    this.#clock.after(SETTLE_MS, () => this.#tell());
  }

  /** Withdraws what sources beginning with `prefix` said. */
  clear(prefix: string): void {
    for (const source of [...this.#problemsBySource.keys()]) {
      if (source.startsWith(prefix)) this.set(source, []);
    }
  }

  #tell(): void {
    this.#isDue = false;
    // Replicas of a workload find the same.
    const distinct = new Map(
      [...this.#problemsBySource.values()].flat().map((found) => [stableJson(found), found]),
    );
    const keys = stableJson([...distinct.keys()].sort());
    if (keys === this.#told) return;
    this.#told = keys;
    this.#onChange([...distinct.values()]);
  }
}
