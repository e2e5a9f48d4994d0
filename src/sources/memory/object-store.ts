// The local stand-in for Kubernetes' API server: objects by key, with versions, list and watch. It checks no
// object and keeps nothing on disk; whoever writes has validated what it writes.

import { isDeepStrictEqual } from "node:util";
import type { ObjectKey } from "../../core/object-key.ts";
import { objectKey, parseObjectKey } from "../../core/object-key.ts";
import { type MovedObject, movedPositions, type Positions } from "../../core/positions.ts";
import type { KubernetesObject } from "../../kinds/define-kind.ts";

/** Plain JSON: it goes over sockets as it is. */
export interface StoredObject {
  readonly key: ObjectKey;
  readonly object: KubernetesObject;
  /** Of the file that the object came from. */
  readonly positions?: Positions;
  /** Of the batch that last changed it. */
  readonly version: number;
}

/** What one call of `apply` changed; watchers get it whole. */
export interface StoreBatch {
  readonly version: number;
  readonly upserts: readonly StoredObject[];
  /** None of them is among the upserts. */
  readonly moves: readonly MovedObject[];
  readonly deletes: readonly ObjectKey[];
}

export interface StoreChange {
  readonly upserts?: readonly { readonly object: KubernetesObject; readonly positions?: Positions }[];
  /** Of objects that have positions. */
  readonly moves?: readonly MovedObject[];
  readonly deletes?: readonly ObjectKey[];
  /** Keeps the `status` that an object has, as Kubernetes does when a manifest is applied. */
  readonly keepsStatus?: boolean;
}

export interface StoreList {
  readonly version: number;
  /** Sorted by key. */
  readonly entries: readonly StoredObject[];
}

export type StoreWatch =
  | { readonly state: "watching"; readonly stop: () => void }
  /** The history doesn't reach back so far: list again. */
  | { readonly state: "expired" };

export class ObjectStore {
  readonly #entries = new Map<ObjectKey, StoredObject>();
  /** What `list` has answered for a kind, until something of the kind changes. */
  readonly #listsByKind = new Map<string, readonly StoredObject[]>();
  readonly #listeners = new Set<(batch: StoreBatch) => void>();
  readonly #historyLimit: number;
  #history: StoreBatch[] = [];
  #version = 0;

  /** `historyLimit` is how many batches a watcher can be behind before it must list again. */
  constructor({ historyLimit = 1000 }: { readonly historyLimit?: number } = {}) {
    this.#historyLimit = historyLimit;
  }

  get version(): number {
    return this.#version;
  }

  get(key: ObjectKey): StoredObject | undefined {
    return this.#entries.get(key);
  }

  list({ kind, namespace }: { readonly kind?: string; readonly namespace?: string } = {}): StoreList {
    const ofKind = kind === undefined ? [...this.#entries.values()].sort(byKey) : this.#listOfKind(kind);
    const entries =
      namespace === undefined
        ? ofKind
        : ofKind.filter(({ key }) => parseObjectKey(key).namespace === namespace);
    return { version: this.#version, entries };
  }

  /** One step: watchers see all of it or nothing. What is equal already changes nothing; undefined if that is all. */
  apply(change: StoreChange): StoreBatch | undefined {
    const version = this.#version + 1;
    const changed = new Map<ObjectKey, StoredObject>();
    for (const { object, positions } of change.upserts ?? []) {
      const entry = this.#nextEntry({ object, positions, version }, change.keepsStatus ?? false);
      if (entry !== undefined) changed.set(entry.key, entry);
    }
    const upserts = [...changed.values()];
    const deletes = [...new Set(change.deletes)].filter((key) => this.#entries.has(key) && !changed.has(key));
    const moved = (change.moves ?? []).flatMap((move) =>
      changed.has(move.key) ? [] : this.#movedEntry(move, version),
    );
    if (upserts.length + moved.length + deletes.length === 0) return undefined;
    for (const entry of [...upserts, ...moved.map(({ entry }) => entry)]) this.#entries.set(entry.key, entry);
    for (const key of deletes) this.#entries.delete(key);
    const moves = moved.map(({ move }) => move);
    for (const key of [...[...upserts, ...moves].map((each) => each.key), ...deletes])
      this.#listsByKind.delete(parseObjectKey(key).kind);
    return this.#publish({ version, upserts, moves, deletes });
  }

  /** Calls `onBatch` for each batch after the version `after`: at once for those that are in the history. */
  watch(after: number, onBatch: (batch: StoreBatch) => void): StoreWatch {
    const missed = this.since(after);
    if (missed === undefined) return { state: "expired" };
    for (const batch of missed) onBatch(batch);
    this.#listeners.add(onBatch);
    return { state: "watching", stop: () => this.#listeners.delete(onBatch) };
  }

  /** The batches after a version; undefined where the history doesn't reach back so far. */
  since(after: number): readonly StoreBatch[] | undefined {
    const oldest = this.#history[0]?.version ?? this.#version + 1;
    if (after < oldest - 1 || after > this.#version) return undefined;
    return this.#history.filter(({ version }) => version > after);
  }

  // Controllers list several kinds in every pass, and most passes come from a change of one object.
  #listOfKind(kind: string): readonly StoredObject[] {
    const known = this.#listsByKind.get(kind);
    if (known !== undefined) return known;
    const prefix = `${kind}/`;
    const entries = [...this.#entries.values()].filter(({ key }) => key.startsWith(prefix)).sort(byKey);
    this.#listsByKind.set(kind, entries);
    return entries;
  }

  #nextEntry(
    {
      object,
      positions,
      version,
    }: { object: KubernetesObject; positions: Positions | undefined; version: number },
    keepsStatus: boolean,
  ): StoredObject | undefined {
    const { name, namespace = "" } = object.metadata;
    const key = objectKey({ kind: object.kind, namespace, name });
    const before = this.#entries.get(key);
    const status = keepsStatus ? before?.object.status : undefined;
    const next = status === undefined ? object : { ...object, status };
    const place = positions ?? before?.positions;
    const isSame = isDeepStrictEqual(before?.object, next) && isDeepStrictEqual(before?.positions, place);
    return isSame
      ? undefined
      : { key, object: next, version, ...(place === undefined ? {} : { positions: place }) };
  }

  #movedEntry(
    move: MovedObject,
    version: number,
  ): readonly { readonly move: MovedObject; readonly entry: StoredObject }[] {
    const before = this.#entries.get(move.key);
    if (before?.positions === undefined) return [];
    const positions = movedPositions(before.positions, move);
    const { file, firstLine = 1 } = before.positions;
    const isThere = file === move.file && firstLine === move.firstLine;
    return isThere ? [] : [{ move, entry: { ...before, positions, version } }];
  }

  #publish(batch: StoreBatch): StoreBatch {
    this.#version = batch.version;
    this.#history.push(batch);
    if (this.#history.length > this.#historyLimit) this.#history = this.#history.slice(-this.#historyLimit);
    for (const listener of [...this.#listeners]) listener(batch);
    return batch;
  }
}

function byKey(one: StoredObject, other: StoredObject): number {
  return one.key < other.key ? -1 : 1;
}
