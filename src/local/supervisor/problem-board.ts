// All problems that the mesh has now, by who found them; tells the whole list when it has changed.

import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../../core/clock.ts";
import type { Location } from "../../core/location.ts";
import type { ObjectKey } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import { stableJson } from "../workloads/template-hash.ts";

export interface ProblemBoardOptions {
  readonly clock: Clock;
  /** Where a field of an object is written, as its file is now; undefined for what no file holds. */
  readonly locate: (object: ObjectKey, path: string) => Location | undefined;
  readonly onChange: (problems: readonly Problem[]) => void;
}

const SETTLE_MS = 20;

export class ProblemBoard {
  readonly #problemsBySource = new Map<string, readonly Problem[]>();
  readonly #clock: Clock;
  readonly #locate: ProblemBoardOptions["locate"];
  readonly #onChange: ProblemBoardOptions["onChange"];
  #told = "[]";
  #isDue = false;

  constructor({ clock, locate, onChange }: ProblemBoardOptions) {
    this.#clock = clock;
    this.#locate = locate;
    this.#onChange = onChange;
  }

  /** Replaces all that `source` said before. */
  set(source: string, problems: readonly Problem[]): void {
    // Controllers say all of theirs after every pass, nearly always the same.
    if (isDeepStrictEqual(this.#problemsBySource.get(source) ?? [], problems)) return;
    if (problems.length === 0) this.#problemsBySource.delete(source);
    else this.#problemsBySource.set(source, problems);
    this.relocate();
  }

  /** What objects say may be written elsewhere now. */
  relocate(): void {
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
    const located = [...this.#problemsBySource.values()].flat().map((found) => this.#located(found));
    const distinct = new Map(located.map((found) => [stableJson(found), found]));
    const keys = stableJson([...distinct.keys()].sort());
    if (keys === this.#told) return;
    this.#told = keys;
    this.#onChange([...distinct.values()]);
  }

  #located(found: Problem): Problem {
    const location = found.object === undefined ? undefined : this.#locate(found.object, found.path ?? "");
    return location === undefined ? found : { ...found, location };
  }
}
