// What one proxy gets: layers of the resource tables read as one, the most specific first. It holds no resources,
// only where to look, and what was there before the one change that came after it; proxies of one view share it.

import { untrackedRead } from "../graph/read.ts";
import { layerKey, splitLayerKey } from "../view/scoped-rows.ts";
import type { Resource, ResourceSet } from "../xds/resource.ts";
import type { ResourceType } from "../xds/resource-type.ts";
import type { BuiltResource } from "./built-resource.ts";
import type { HeldBack } from "./held-back.ts";
import { EVERY_PROXY_LAYER, type ResourceRow, SIDECAR_LAYER, workloadLayer } from "./resource-row.ts";
import type { IndexedResourceTables, ServedType } from "./resource-tables.ts";

export interface ProxyView {
  readonly kind: "sidecar" | "router";
  readonly scope: string;
  /** Of the inbound or gateway view. */
  readonly workloadView: string;
  readonly envoyVersion: string;
}

/** Proxies with equal keys get the same set. */
export function viewKey({ kind, scope, workloadView, envoyVersion }: ProxyView): string {
  return [kind, scope, workloadView, envoyVersion].join(" ");
}

/** What was there before a change: rows by their keys, and resources by type and name, where those changed. */
export interface Past {
  readonly rows?: ReadonlyMap<ResourceType, ReadonlyMap<string, ResourceRow | undefined>>;
  readonly resources?: ReadonlyMap<string, Resource | undefined>;
}

export class ProxySet implements ResourceSet {
  /** Set once this set has a successor: streams still ask it what they had. */
  #past: Past = {};
  readonly #tables: IndexedResourceTables;
  readonly #view: ProxyView;
  readonly #heldBack: HeldBack;

  constructor(tables: IndexedResourceTables, view: ProxyView, heldBack: HeldBack) {
    this.#tables = tables;
    this.#view = view;
    this.#heldBack = heldBack;
  }

  get envoyVersion(): string {
    return this.#view.envoyVersion;
  }

  /** Reads the tables as they are from now on. */
  successor(): ProxySet {
    return new ProxySet(this.#tables, this.#view, this.#heldBack);
  }

  /** The tables have moved on, and this set has not. */
  keep(past: Past): void {
    this.#past = past;
  }

  /** Layers that hold resources of a type for this proxy, most specific first. */
  layersOf(type: ResourceType): readonly string[] {
    const { kind, scope, workloadView } = this.#view;
    const own = workloadLayer(workloadView);
    const isOwnOnly = kind === "router" && (type === "listener" || type === "route");
    if (isOwnOnly) return [own];
    return kind === "sidecar"
      ? [own, scope, "", SIDECAR_LAYER, EVERY_PROXY_LAYER]
      : [own, scope, "", EVERY_PROXY_LAYER];
  }

  get(type: ResourceType, name: string): Resource | undefined {
    const { resources } = this.#past;
    if (resources?.has(`${type} ${name}`)) return resources.get(`${type} ${name}`);
    const resource = this.built(type, name);
    return resource === undefined
      ? undefined
      : this.#heldBack.substitute(type, resource, this.#view.envoyVersion);
  }

  /** The newest, whether or not an Envoy refused it. */
  built(type: ResourceType, name: string): BuiltResource | undefined {
    const indexed = this.#tables[type as ServedType] ?? undefined;
    if (indexed === undefined) return undefined;
    for (const layer of this.layersOf(type)) {
      const key = layerKey(layer, name);
      const past = this.#past.rows?.get(type);
      const row = past?.has(key) ? past.get(key) : indexed.table.get(key);
      if (row !== undefined) return row.kind === "present" ? row.resource : undefined;
    }
    return undefined;
  }

  *names(type: ResourceType): Iterable<string> {
    const indexed = this.#tables[type as ServedType] ?? undefined;
    if (indexed === undefined) return;
    const seen = new Set<string>();
    for (const layer of this.layersOf(type)) {
      for (const [key, row] of untrackedRead.find(indexed.byLayer, layer)) {
        const { name } = splitLayerKey(key);
        if (seen.has(name)) continue;
        seen.add(name);
        if (row.kind === "present" && this.get(type, name) !== undefined) yield name;
      }
    }
    for (const key of this.#past.rows?.get(type)?.keys() ?? []) {
      const { name } = splitLayerKey(key);
      if (!seen.has(name) && this.get(type, name) !== undefined) yield name;
      seen.add(name);
    }
  }

  lists(type: ResourceType, name: string): boolean {
    return this.get(type, name) !== undefined;
  }
}
