// Objects of files that are in force, and what differs between two states of them. Pure.

import { isDeepStrictEqual } from "node:util";
import type { ObjectKey } from "../../core/object-key.ts";
import { type MovedObject, moveOf, type Positions } from "../../core/positions.ts";
import type { KubernetesObject } from "../../kinds/define-kind.ts";

/** An object in force, and where its fields stand; plain JSON. */
export interface LoadedObject {
  readonly key: ObjectKey;
  readonly object: KubernetesObject;
  readonly positions: Positions;
}

export type ObjectsByKey = ReadonlyMap<ObjectKey, LoadedObject>;

export interface ObjectChanges {
  readonly upserts: readonly LoadedObject[];
  /** None of them is among the upserts. */
  readonly moves: readonly MovedObject[];
  readonly deletes: readonly ObjectKey[];
}

export function changesSince(before: ObjectsByKey, objects: ObjectsByKey): ObjectChanges {
  const upserts: LoadedObject[] = [];
  const moves: MovedObject[] = [];
  let knownCount = 0;
  for (const [key, loaded] of objects) {
    const known = before.get(key);
    if (known !== undefined) knownCount += 1;
    // What comes from text that didn't change or move is the same value.
    if (known === loaded) continue;
    if (known === undefined || !saysTheSame(known, loaded)) upserts.push(loaded);
    else if (!isAtSamePlace(known, loaded)) moves.push(moveOf(key, loaded.positions));
  }
  const hasDeletes = knownCount < before.size;
  const deletes = hasDeletes ? [...before.keys()].filter((key) => !objects.has(key)) : [];
  return { upserts, moves, deletes };
}

export function isNothing({ upserts, moves, deletes }: ObjectChanges): boolean {
  return upserts.length + moves.length + deletes.length === 0;
}

/** And its fields are as they were to one another. */
function saysTheSame(one: LoadedObject, other: LoadedObject): boolean {
  const [before, after] = [one.positions.root, other.positions.root];
  // What comes from text that didn't change is the same value, wherever it lies now.
  if (one.object === other.object && before === after) return true;
  return isDeepStrictEqual(one.object, other.object) && isDeepStrictEqual(before, after);
}

function isAtSamePlace({ positions: one }: LoadedObject, { positions: other }: LoadedObject): boolean {
  return one.file === other.file && (one.firstLine ?? 1) === (other.firstLine ?? 1);
}
