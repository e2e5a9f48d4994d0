// Objects whose newest version an Envoy refused: the version before stays in force for them, so that other objects'
// edits don't wait in the resources that they share. Changes that were refused together are tried again one by one.

import { isDeepStrictEqual } from "node:util";
import type { ObjectKey } from "../core/object-key.ts";
import { parseObjectKey } from "../core/object-key.ts";
import type { Transaction } from "../graph/graph.ts";
import type { KubernetesObject } from "../kinds/define-kind.ts";
import type { ResourceType } from "../xds/resource-type.ts";
import type { Refusal } from "./held-back.ts";

/** Where objects are written to and found. */
export interface ObjectDoor {
  readonly find: (key: ObjectKey) => KubernetesObject | undefined;
  readonly write: (transaction: Transaction, object: KubernetesObject) => void;
  readonly remove: (transaction: Transaction, key: ObjectKey) => void;
}

interface HeldObject {
  readonly newest: KubernetesObject;
  readonly refusal: Refusal;
  /** Refused together with others, and not yet tried by itself. */
  readonly isUntried: boolean;
}

// What users write of traffic. The rest says what there is, and isn't ours to hold.
const HOLDABLE_KINDS: ReadonlySet<string> = new Set([
  "VirtualService",
  "DestinationRule",
  "Gateway",
  "ServiceEntry",
]);

export class HeldObjects {
  readonly #door: ObjectDoor;
  /** What was in force before an object's last change; undefined where it was new. */
  readonly #formerByKey = new Map<ObjectKey, KubernetesObject | undefined>();
  readonly #heldByKey = new Map<ObjectKey, HeldObject>();

  constructor(door: ObjectDoor) {
    this.#door = door;
  }

  /** A new version is taken as it comes: it may be mended. One that says what was refused already stays held. */
  write(transaction: Transaction, key: ObjectKey, object: KubernetesObject): void {
    const held = this.#heldByKey.get(key);
    // What we write into its status comes back as a change of the object.
    if (held !== undefined && meansTheSame(held.newest, object)) {
      this.#heldByKey.set(key, { ...held, newest: object });
      return;
    }
    this.#take(transaction, key, object);
  }

  remove(transaction: Transaction, key: ObjectKey): void {
    this.#formerByKey.delete(key);
    this.#heldByKey.delete(key);
    this.#door.remove(transaction, key);
  }

  /** As it was last written, held or not. */
  newest(key: ObjectKey): KubernetesObject | undefined {
    return this.#heldByKey.get(key)?.newest ?? this.#door.find(key);
  }

  /** Of those held; one that waits for its trial isn't known to be at fault. */
  refusals(): readonly (Refusal & { readonly held: ObjectKey })[] {
    return [...this.#heldByKey]
      .filter(([, { isUntried }]) => !isUntried)
      .map(([held, { refusal }]) => ({ ...refusal, held }));
  }

  refusalOf(key: ObjectKey): Refusal | undefined {
    const held = this.#heldByKey.get(key);
    return held?.isUntried === false ? held.refusal : undefined;
  }

  /** Those of the objects that can be held. */
  holdable(keys: Iterable<ObjectKey>): readonly ObjectKey[] {
    return [...new Set(keys)].filter(
      (key) => HOLDABLE_KINDS.has(parseObjectKey(key).kind) && this.#door.find(key) !== undefined,
    );
  }

  /** The version before takes its place; without one, or where that is refused too, the object is left out. */
  hold(transaction: Transaction, keys: readonly ObjectKey[], refusal: Refusal): void {
    const isUntried = keys.length > 1;
    for (const key of keys) {
      const newest = this.newest(key);
      if (newest === undefined) continue;
      this.#heldByKey.set(key, { newest, refusal: ofObject(refusal, key), isUntried });
      const former = this.#formerByKey.get(key);
      this.#formerByKey.delete(key);
      if (former === undefined) this.#door.remove(transaction, key);
      else this.#door.write(transaction, former);
    }
    if (isUntried) this.tryNext(transaction);
  }

  /** Whether an object waits for its trial that was refused with others as part of this resource. */
  hasUntried(type: ResourceType, name: string): boolean {
    return this.#untried().some(([, { refusal }]) => refusal.type === type && refusal.name === name);
  }

  /** Puts the newest version of one untried object in force again: the next answer of an Envoy is about it alone. */
  tryNext(transaction: Transaction): void {
    const [next] = this.#untried();
    if (next !== undefined) this.#take(transaction, next[0], next[1].newest);
  }

  #take(transaction: Transaction, key: ObjectKey, object: KubernetesObject): void {
    if (HOLDABLE_KINDS.has(object.kind)) {
      this.#formerByKey.set(key, this.#door.find(key));
      this.#heldByKey.delete(key);
    }
    this.#door.write(transaction, object);
  }

  #untried(): readonly (readonly [ObjectKey, HeldObject])[] {
    return [...this.#heldByKey].filter(([, { isUntried }]) => isUntried);
  }
}

function meansTheSame(a: KubernetesObject, b: KubernetesObject): boolean {
  const meaningOf = ({ spec, metadata: { labels, annotations } }: KubernetesObject) => [
    spec,
    labels,
    annotations,
  ];
  return isDeepStrictEqual(meaningOf(a), meaningOf(b));
}

/** Of what is blamed, the object's own part. */
function ofObject(refusal: Refusal, key: ObjectKey): Refusal {
  return { ...refusal, source: refusal.source.filter(({ object }) => object === key) };
}
