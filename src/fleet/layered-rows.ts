// The rows of all resource tables by type, layer and name, kept in step by commits: a lookup by name needs no key put
// together, of which a connecting proxy would make ten thousand. Knows what each changed row was before.

import type { ObjectKey } from "../core/object-key.ts";
import type { Commit } from "../graph/graph.ts";
import { splitLayerKey } from "../view/layer-id.ts";
import { type LayeredType, layeredTypes } from "../view/profile.ts";
import type { ResourceType } from "../xds/resource-type.ts";
import type { BuiltResource } from "./built-resource.ts";
import type { ResourceRow } from "./resource-row.ts";
import type { ResourceTables } from "./resource-tables.ts";
import { SourceIndex } from "./source-index.ts";

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
  /** From the first question on: on one machine nobody may ever ask. */
  #sources: ReadonlyMap<LayeredType, SourceIndex> | undefined;

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
    this.#sources ??= this.#indexSources();
    return [...this.#sources].flatMap(([type, sources]) =>
      [...sources.rowsOf(object)].map(({ resource }) => ({ type, resource })),
    );
  }

  /** Takes over what a commit changed; returns the rows that were there before, for types that have any. */
  take({ changed }: Commit): FormerRows {
    const former = new Map<LayeredType, Map<string, Map<string, ResourceRow | undefined>>>();
    for (const type of layeredTypes) {
      const keys = changed.get(this.#tables[type]);
      if (keys === undefined) continue;
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

  #indexSources(): ReadonlyMap<LayeredType, SourceIndex> {
    return new Map(
      layeredTypes.map((type) => {
        const sources = new SourceIndex();
        for (const rows of this.#layers.get(type)?.values() ?? [])
          for (const row of rows.values()) sources.replace(undefined, row);
        return [type, sources];
      }),
    );
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
    this.#sources?.get(type)?.replace(before, row);
    return before;
  }
}
