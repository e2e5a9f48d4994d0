// The rows of all resource tables by type, layer and name, kept in step by commits: a lookup by name needs no key put
// together, of which a connecting proxy would make ten thousand. Knows what each changed row was before.

import type { ObjectKey } from "../core/object-key.ts";
import type { Commit } from "../graph/graph.ts";
import { type LayeredType, layeredTypes } from "../view/profile.ts";
import { splitLayerKey } from "../view/scoped-rows.ts";
import type { ResourceType } from "../xds/resource-type.ts";
import type { BuiltResource } from "./built-resource.ts";
import type { ResourceRow } from "./resource-row.ts";
import type { ResourceTables } from "./resource-tables.ts";

export type Layer = ReadonlyMap<string, ResourceRow>;

/** Rows by type, layer and name as they were; `undefined` where there was none. */
export type FormerRows = ReadonlyMap<
  LayeredType,
  ReadonlyMap<string, ReadonlyMap<string, ResourceRow | undefined>>
>;

export interface MadeResource {
  readonly type: ResourceType;
  readonly resource: BuiltResource;
}

export class LayeredRows {
  readonly #tables: ResourceTables;
  readonly #layers: ReadonlyMap<ResourceType, Map<string, Map<string, ResourceRow>>>;

  /** Made when it is asked for: it looks at every source of every resource of the type. */
  readonly #madeByType = new Map<LayeredType, ReadonlyMap<ObjectKey, readonly MadeResource[]>>();

  constructor(tables: ResourceTables) {
    this.#tables = tables;
    this.#layers = new Map(layeredTypes.map((type) => [type, new Map()]));
  }

  /** The rows of a layer as they are from now on, until the layer loses its last row; undefined if it has none. */
  layer(type: ResourceType, layer: string): Layer | undefined {
    return this.#layers.get(type)?.get(layer);
  }

  /** Resources that an object is a source of, in any layer, each with its type. */
  madeOf(object: ObjectKey): readonly MadeResource[] {
    return layeredTypes.flatMap((type) => this.#madeOfType(type).get(object) ?? []);
  }

  /** Takes over what a commit changed; returns the rows that were there before, for types that have any. */
  take({ changed }: Commit): FormerRows {
    const former = new Map<LayeredType, Map<string, Map<string, ResourceRow | undefined>>>();
    for (const type of layeredTypes) {
      const keys = changed.get(this.#tables[type]);
      if (keys === undefined) continue;
      this.#madeByType.delete(type);
      const formerLayers = new Map<string, Map<string, ResourceRow | undefined>>();
      former.set(type, formerLayers);
      for (const key of keys) {
        const { layer, name } = splitLayerKey(key);
        const before = this.#replace(type, { layer, name }, this.#tables[type].get(key));
        const formerRows = formerLayers.get(layer) ?? new Map<string, ResourceRow | undefined>();
        formerLayers.set(layer, formerRows.set(name, before));
      }
    }
    return former;
  }

  #madeOfType(type: LayeredType): ReadonlyMap<ObjectKey, readonly MadeResource[]> {
    const known = this.#madeByType.get(type);
    if (known !== undefined) return known;
    const made = indexBySource(type, this.#layers.get(type) ?? new Map());
    this.#madeByType.set(type, made);
    return made;
  }

  #replace(
    type: LayeredType,
    { layer, name }: { readonly layer: string; readonly name: string },
    row: ResourceRow | undefined,
  ): ResourceRow | undefined {
    const layers = this.#layers.get(type);
    const rows = layers?.get(layer) ?? new Map<string, ResourceRow>();
    const before = rows.get(name);
    if (row === undefined) rows.delete(name);
    else rows.set(name, row);
    if (rows.size === 0) layers?.delete(layer);
    else layers?.set(layer, rows);
    return before;
  }
}

function indexBySource(
  type: LayeredType,
  layers: ReadonlyMap<string, Layer>,
): ReadonlyMap<ObjectKey, readonly MadeResource[]> {
  const madeByObject = new Map<ObjectKey, MadeResource[]>();
  for (const rows of layers.values()) {
    for (const row of rows.values()) {
      if (row.kind === "absent") continue;
      const { resource } = row;
      for (const { object } of resource.provenance) {
        const made = madeByObject.get(object) ?? [];
        // Parts of one resource come one after the other.
        if (made.at(-1)?.resource === resource) continue;
        madeByObject.set(object, made);
        made.push({ type, resource });
      }
    }
  }
  return madeByObject;
}
