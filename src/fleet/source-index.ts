// Which rows an object is a source of. A row that changes costs as much as it has parts, or sources where it has none:
// parts are shared by most clients, and an object is looked for in each of them once.

import type { ObjectKey } from "../core/object-key.ts";
import type { ResourcePart } from "../envoy/fragment.ts";
import type { ResourceRow } from "./resource-row.ts";

export type PresentRow = Extract<ResourceRow, { readonly kind: "present" }>;

export class SourceIndex {
  readonly #rowsByObject = new Map<ObjectKey, Set<PresentRow>>();
  readonly #rowsByPart = new Map<ResourcePart, Set<PresentRow>>();
  /** Those of a part never change. */
  readonly #objectsOfParts = new WeakMap<ResourcePart, ReadonlySet<ObjectKey>>();

  /** Of one place in the tables: what was there gives way to what is there now. */
  replace(before: ResourceRow | undefined, after: ResourceRow | undefined): void {
    if (before?.kind === "present") this.#forEachEntry(before, (rows, key) => removeFrom(rows, key, before));
    if (after?.kind === "present") this.#forEachEntry(after, (rows, key) => addTo(rows, key, after));
  }

  /** Each once. */
  rowsOf(object: ObjectKey): ReadonlySet<PresentRow> {
    const found = new Set(this.#rowsByObject.get(object));
    for (const [part, rows] of this.#rowsByPart) {
      if (this.#objectsOf(part).has(object)) for (const row of rows) found.add(row);
    }
    return found;
  }

  #forEachEntry(row: PresentRow, note: <Key>(rows: Map<Key, Set<PresentRow>>, key: Key) => void): void {
    const { parts, provenance } = row.resource;
    if (parts !== undefined) for (const part of parts) note(this.#rowsByPart, part);
    else for (const { object } of provenance) note(this.#rowsByObject, object);
  }

  #objectsOf(part: ResourcePart): ReadonlySet<ObjectKey> {
    const known = this.#objectsOfParts.get(part);
    if (known !== undefined) return known;
    const objects = new Set(part.provenance.map(({ object }) => object));
    this.#objectsOfParts.set(part, objects);
    return objects;
  }
}

function addTo<Key>(rowsByKey: Map<Key, Set<PresentRow>>, key: Key, row: PresentRow): void {
  const rows = rowsByKey.get(key) ?? new Set();
  rowsByKey.set(key, rows.add(row));
}

function removeFrom<Key>(rowsByKey: Map<Key, Set<PresentRow>>, key: Key, row: PresentRow): void {
  const rows = rowsByKey.get(key);
  rows?.delete(row);
  if (rows?.size === 0) rowsByKey.delete(key);
}
