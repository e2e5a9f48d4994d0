// What one proxy gets: layers of the resource tables read as one, the most specific first. It holds no resources,
// only where to look, and what was there before the one change that came after it; proxies of one view share it.

import { isDeepStrictEqual } from "node:util";
import type { IpFamilies } from "../core/ip-families.ts";
import { MESH_SCOPE, meshScopeOf } from "../view/client-scope.ts";
import { placedLayer } from "../view/placed-endpoints.ts";
import type { ResourceReference, ResourceSet } from "../xds/resource.ts";
import type { ResourceType } from "../xds/resource-type.ts";
import type { BuiltResource } from "./built-resource.ts";
import type { FormerRows, Layer, LayeredRows } from "./layered-rows.ts";
import {
  authorizationLayer,
  EVERY_PROXY_LAYER,
  requestAuthenticationLayer,
  sidecarLayer,
  workloadLayer,
} from "./resource-row.ts";
import { type ServedType, servedTypes } from "./resource-tables.ts";

export interface ProxyView {
  readonly kind: "sidecar" | "router";
  readonly scope: string;
  /** The scope's. */
  readonly families: IpFamilies;
  /** Of the inbound or gateway view. */
  readonly workloadView: string;
  /** Ids of what its policies make of it. */
  readonly authorization: string;
  readonly requestAuthentication: string;
  /** Ids of the client's places, the narrower one first; empty where nothing looks at them. */
  readonly places: readonly [node: string, wide: string];
  /** Nobody else gets a secret, and who does shares no set with who doesn't. */
  readonly readsSecrets: boolean;
  readonly envoyVersion: string;
}

/** Proxies with equal keys get the same set. */
export function viewKey(view: ProxyView): string {
  const { kind, scope, workloadView, authorization, requestAuthentication, places } = view;
  const who = view.readsSecrets ? "reader" : "other";
  const policies = [authorization, requestAuthentication];
  const ids = [kind, scope, workloadView, ...policies, ...places.filter((id) => id !== "")];
  // A bar is in no id: it ends a layer in the keys of rows.
  return [...ids, who, view.envoyVersion].join("|");
}

interface NamedLayer {
  readonly name: string;
  /** Undefined while it has no rows: with its first one this set gets a successor. */
  readonly rows: Layer | undefined;
}

/** Of which a set has few. */
const smallTypes: ReadonlySet<ServedType> = new Set(["extension-config", "secret"]);

export class ProxySet implements ResourceSet {
  /** Set once this set has a successor: streams still ask it what they had. */
  #past: FormerRows = new Map();
  readonly #rows: LayeredRows;
  readonly #view: ProxyView;
  /** The most specific first. */
  readonly #layers: ReadonlyMap<ResourceType, readonly NamedLayer[]>;

  constructor(rows: LayeredRows, view: ProxyView) {
    this.#rows = rows;
    this.#view = view;
    this.#layers = new Map(
      servedTypes.map((type) => [
        type,
        layersOf(view, type).map((name) => ({ name, rows: rows.layer(type, name) })),
      ]),
    );
  }

  /** Reads the tables as they are from now on. */
  successor(): ProxySet {
    return new ProxySet(this.#rows, this.#view);
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

  /** What may differ between two sets that read the tables as they are; `all` where it is too much to be listed. */
  differencesFrom(other: ProxySet): readonly ResourceReference[] | "all" {
    const types = servedTypes.filter(
      (type) => !isDeepStrictEqual(this.#namesOfLayers(type), other.#namesOfLayers(type)),
    );
    if (types.some((type) => !smallTypes.has(type))) return "all";
    return types.flatMap((type) =>
      [...new Set([...this.names(type), ...other.names(type)])].map((name) => ({ type, name })),
    );
  }

  #namesOfLayers(type: ResourceType): readonly string[] {
    return this.#layersOf(type).map(({ name }) => name);
  }

  get(type: ResourceType, name: string): BuiltResource | undefined {
    const former = this.#past.get(type as ServedType);
    for (const layer of this.#layersOf(type)) {
      const formerRows = former?.get(layer.name);
      const row = formerRows?.has(name) ? formerRows.get(name) : layer.rows?.get(name);
      if (row !== undefined) return row.kind === "present" ? row.resource : undefined;
    }
    return undefined;
  }

  *names(type: ResourceType): Iterable<string> {
    const seen = new Set<string>();
    const former = this.#past.get(type as ServedType);
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

/** Layers that hold resources of a type for proxies of a view, most specific first. */
function layersOf(view: ProxyView, type: ResourceType): readonly string[] {
  const { kind, scope, families, workloadView, places, readsSecrets } = view;
  if (type === "secret" && !readsSecrets) return [];
  if (type === "extension-config")
    return [authorizationLayer(view.authorization), requestAuthenticationLayer(view.requestAuthentication)];
  const own = workloadLayer(workloadView);
  const isOwnOnly = kind === "router" && (type === "listener" || type === "route");
  if (isOwnOnly) return [own];
  const placed = (layer: string) => places.filter((id) => id !== "").map((id) => placedLayer(layer, id));
  const byPlace = [...placed(scope), scope, ...placed(MESH_SCOPE.id), MESH_SCOPE.id];
  if (type === "endpoint") return byPlace;
  const shared = type === "listener" ? [scope, meshScopeOf(families).id] : [scope, MESH_SCOPE.id];
  return [
    own,
    ...(type === "cluster" ? byPlace : shared),
    ...(kind === "sidecar" ? [sidecarLayer(families)] : []),
    EVERY_PROXY_LAYER,
  ];
}
