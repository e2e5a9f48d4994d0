// What one proxy gets: layers of the resource tables read as one, the most specific first. It holds no resources,
// only where to look, and what was there before the one change that came after it; proxies of one profile share it.

import { isDeepStrictEqual } from "node:util";
import { type LayeredType, layeredTypes, type ProfileLayers } from "../view/profile.ts";
import type { ResourceReference, ResourceSet } from "../xds/resource.ts";
import type { ResourceType } from "../xds/resource-type.ts";
import type { BuiltResource } from "./built-resource.ts";
import type { FormerRows, Layer, LayeredRows } from "./layered-rows.ts";

interface NamedLayer {
  readonly name: string;
  /** Undefined while it has no rows: with its first one this set gets a successor. */
  readonly rows: Layer | undefined;
}

export class ProxySet implements ResourceSet {
  /** Set once this set has a successor: streams still ask it what they had. */
  #past: FormerRows = new Map();
  readonly #rows: LayeredRows;
  readonly #profile: ProfileLayers;
  /** The most specific first. */
  readonly #layers: ReadonlyMap<ResourceType, readonly NamedLayer[]>;

  constructor(rows: LayeredRows, profile: ProfileLayers) {
    this.#rows = rows;
    this.#profile = profile;
    this.#layers = new Map(
      layeredTypes.map((type) => [
        type,
        profile[type].map((name) => ({ name, rows: rows.layer(type, name) })),
      ]),
    );
  }

  /** Reads the tables as they are from now on. */
  successor(): ProxySet {
    return new ProxySet(this.#rows, this.#profile);
  }

  /** The tables have moved on, and this set has not. */
  keep(past: FormerRows): void {
    this.#past = past;
  }

  /** What of a change is in the layers of this set. */
  concernedBy(former: FormerRows): readonly ResourceReference[] {
    const references: ResourceReference[] = [];
    for (const [type, formerLayers] of former) {
      for (const { name: layer } of this.#layersOf(type)) {
        for (const name of formerLayers.get(layer)?.keys() ?? []) references.push({ type, name });
      }
    }
    return references;
  }

  /**
   * What may differ between two sets that read the tables as they are: what is in layers that only one of them has. `all`
   * where they have the same layers in another order.
   */
  differencesFrom(other: ProxySet): readonly ResourceReference[] | "all" {
    const references: ResourceReference[] = [];
    for (const type of layeredTypes) {
      const [own, others] = [this.#layersOf(type), other.#layersOf(type)];
      const ownAlone = layersMissingIn(others, own);
      const othersAlone = layersMissingIn(own, others);
      if (!isDeepStrictEqual(namesWithout(own, ownAlone), namesWithout(others, othersAlone))) return "all";
      const names = [...ownAlone, ...othersAlone].flatMap(({ rows }) => [...(rows?.keys() ?? [])]);
      for (const name of new Set(names)) references.push({ type, name });
    }
    return references;
  }

  get(type: ResourceType, name: string): BuiltResource | undefined {
    const former = this.#past.get(type as LayeredType);
    for (const layer of this.#layersOf(type)) {
      const formerRows = former?.get(layer.name);
      const row = formerRows?.has(name) ? formerRows.get(name) : layer.rows?.get(name);
      if (row !== undefined) return row.kind === "present" ? row.resource : undefined;
    }
    return undefined;
  }

  *names(type: ResourceType): Iterable<string> {
    const seen = new Set<string>();
    const former = this.#past.get(type as LayeredType);
    for (const layer of this.#layersOf(type)) {
      for (const rows of [layer.rows, former?.get(layer.name)]) {
        for (const name of rows?.keys() ?? []) {
          if (seen.has(name)) continue;
          seen.add(name);
          if (this.get(type, name) !== undefined) yield name;
        }
      }
    }
  }

  #layersOf(type: ResourceType): readonly NamedLayer[] {
    return this.#layers.get(type) ?? [];
  }
}

function layersMissingIn(some: readonly NamedLayer[], all: readonly NamedLayer[]): readonly NamedLayer[] {
  const known = new Set(some.map(({ name }) => name));
  return all.filter(({ name }) => !known.has(name));
}

function namesWithout(layers: readonly NamedLayer[], left: readonly NamedLayer[]): readonly string[] {
  return layers.filter((layer) => !left.includes(layer)).map(({ name }) => name);
}
