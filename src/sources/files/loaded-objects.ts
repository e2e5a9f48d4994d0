// Objects of files that are in force, and what differs between two states of them. Pure.

import { isDeepStrictEqual } from "node:util";
import type { ObjectKey } from "../../core/object-key.ts";
import type { Positions } from "../../core/positions.ts";
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
  readonly deletes: readonly ObjectKey[];
}

export function changesSince(before: ObjectsByKey, objects: ObjectsByKey): ObjectChanges {
  const upserts: LoadedObject[] = [];
  let knownCount = 0;
  for (const [key, loaded] of objects) {
    const known = before.get(key);
    if (known !== undefined) knownCount += 1;
    // What comes from text that didn't change or move is the same value.
    if (known === loaded) continue;
    if (known === undefined || !isSameLoaded(known, loaded)) upserts.push(loaded);
  }
  const hasDeletes = knownCount < before.size;
  return { upserts, deletes: hasDeletes ? [...before.keys()].filter((key) => !objects.has(key)) : [] };
}

/** Whether it says the same at the same place. */
function isSameLoaded(one: LoadedObject, other: LoadedObject): boolean {
  const [before, after] = [one.positions, other.positions];
  if (before.file !== after.file || (before.firstLine ?? 1) !== (after.firstLine ?? 1)) return false;
  // As where the text is the same, and lies elsewhere now.
  if (one.object === other.object && before.root === after.root) return true;
  return isDeepStrictEqual(one.object, other.object) && isDeepStrictEqual(before.root, after.root);
}
