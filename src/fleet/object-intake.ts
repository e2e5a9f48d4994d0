// Takes changed objects and commits them in batches: changes that come together cost one pass. Endpoints wait for
// less than config, since requests fail while they wait.

import type { Clock } from "../core/clock.ts";
import type { Location } from "../core/location.ts";
import { type ObjectKey, parseObjectKey } from "../core/object-key.ts";
import { locate, type MovedObject, movedPositions, type Positions } from "../core/positions.ts";
import type { Transaction } from "../graph/graph.ts";
import { kindsWithRole } from "../kinds/all-kinds.ts";
import type { KubernetesObject } from "../kinds/define-kind.ts";

export interface ChangedObject {
  readonly key: ObjectKey;
  readonly object: KubernetesObject;
  /** Where its fields stand in a file, if it came from one. */
  readonly positions?: Positions;
}

/** After the last change, and after the first one at the most. */
export interface Debounce {
  readonly afterMs: number;
  readonly atMostMs: number;
}

export interface ObjectIntakeOptions {
  readonly clock: Clock;
  readonly commit: (write: (transaction: Transaction) => void, changes: ObjectChanges) => void;
  /** Where they are written to. */
  readonly objects: {
    write(transaction: Transaction, key: ObjectKey, object: KubernetesObject): void;
    remove(transaction: Transaction, key: ObjectKey): void;
  };
  readonly debounce: { readonly endpoints: Debounce; readonly config: Debounce };
}

/** What is committed together. */
export interface ObjectChanges {
  readonly trigger: "config" | "endpoint";
  /** When the first of them was seen. */
  readonly sinceMs: number;
  /** Undefined where it was deleted. */
  readonly objects: ReadonlyMap<ObjectKey, KubernetesObject | undefined>;
}

// What tells where traffic can go, as against how.
const ENDPOINT_KINDS: ReadonlySet<string> = new Set(kindsWithRole("endpoints").map(({ kind }) => kind));

export class ObjectIntake {
  readonly #options: ObjectIntakeOptions;
  readonly #pending = new Map<ObjectKey, KubernetesObject | undefined>();
  readonly #positions = new Map<ObjectKey, Positions>();
  #firstPendingMs = 0;
  #dueMs = Number.POSITIVE_INFINITY;
  #cancel: () => void = () => undefined;

  constructor(options: ObjectIntakeOptions) {
    this.#options = options;
  }

  /** What moved in its file says the same: only where its fields are changes, at once. */
  move(moves: readonly MovedObject[]): void {
    for (const move of moves) {
      const positions = this.#positions.get(move.key);
      if (positions !== undefined) this.#positions.set(move.key, movedPositions(positions, move));
    }
  }

  change(upserts: readonly ChangedObject[], deletes: readonly ObjectKey[]): void {
    for (const { key, object, positions } of upserts) {
      this.#pending.set(key, object);
      if (positions === undefined) this.#positions.delete(key);
      else this.#positions.set(key, positions);
    }
    for (const key of deletes) {
      this.#pending.set(key, undefined);
      this.#positions.delete(key);
    }
    const kinds = [...upserts.map(({ key }) => key), ...deletes].map((key) => parseObjectKey(key).kind);
    if (kinds.length > 0) this.#schedule(kinds.some((kind) => ENDPOINT_KINDS.has(kind)));
  }

  /** Commits what waits, at once. */
  flush(): void {
    this.#cancel();
    this.#cancel = () => undefined;
    this.#dueMs = Number.POSITIVE_INFINITY;
    if (this.#pending.size === 0) return;
    const changes = new Map(this.#pending);
    this.#pending.clear();
    const { commit, objects } = this.#options;
    const write = (transaction: Transaction) => {
      for (const [key, object] of changes) {
        if (object === undefined) objects.remove(transaction, key);
        else objects.write(transaction, key, object);
      }
    };
    const isOfEndpoints = [...changes.keys()].every((key) => ENDPOINT_KINDS.has(parseObjectKey(key).kind));
    commit(write, {
      trigger: isOfEndpoints ? "endpoint" : "config",
      sinceMs: this.#firstPendingMs,
      objects: changes,
    });
  }

  /** Where a field of an object stands in its file; undefined for objects that no file holds. */
  locate(key: ObjectKey, path = ""): Location | undefined {
    const positions = this.#positions.get(key);
    return positions === undefined ? undefined : locate(positions, path);
  }

  close(): void {
    this.#cancel();
  }

  #schedule(hasEndpoints: boolean): void {
    const { clock, debounce } = this.#options;
    const nowMs = clock.now();
    if (this.#dueMs === Number.POSITIVE_INFINITY) this.#firstPendingMs = nowMs;
    const { afterMs, atMostMs } = hasEndpoints ? debounce.endpoints : debounce.config;
    const wantedMs = Math.min(nowMs + afterMs, this.#firstPendingMs + atMostMs);
    // Config that joins a batch of endpoints goes with it; endpoints never wait for config.
    const isSooner = wantedMs < this.#dueMs;
    const isConfigAgain = !hasEndpoints && this.#dueMs <= this.#firstPendingMs + debounce.endpoints.atMostMs;
    if (!isSooner && isConfigAgain) return;
    this.#dueMs = wantedMs;
    this.#cancel();
    this.#cancel = clock.after(Math.max(0, wantedMs - nowMs), () => this.flush());
  }
}
