// What one proxy is served: for each type of resource, the layers of rows that make up its set. A facet says which layers
// follow from one fact about a proxy. Proxies with the same layers have the same profile, and share one set: nobody
// keeps a key that could forget a facet.

import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import type { ConnectedProxy } from "./client-scope.ts";
import type { LayerId } from "./layer-id.ts";
import { contentId } from "./shared-rows.ts";

/** The types of resources that have layers, named as src/xds names them. */
export const layeredTypes = [
  "cluster",
  "endpoint",
  "extension-config",
  "listener",
  "route",
  "secret",
  "name-table",
] as const;

export type LayeredType = (typeof layeredTypes)[number];

/** By type, the most specific first: a row hides those of its name in layers after its own. */
export type ProfileLayers = Readonly<Record<LayeredType, readonly LayerId[]>>;

export interface Profile {
  /** Equal for equal layers, and for no others. */
  readonly id: string;
  readonly layers: ProfileLayers;
}

/** One fact about proxies that decides what they are served. */
export type Facet = (key: string, proxy: ConnectedProxy, read: Read) => Partial<ProfileLayers>;

/** Rows by the proxy's key. The layers of earlier facets are the more specific ones. */
export function declareProfiles(
  graph: Graph,
  proxies: Table<ConnectedProxy>,
  facets: readonly Facet[],
): Table<Profile> {
  return graph.derive<ConnectedProxy, Profile>({
    name: "profiles of proxies",
    from: proxies,
    equal: (a, b) => a.id === b.id,
    rows: (key, proxy, read) => [[key, profileOf(facets.map((layersOf) => layersOf(key, proxy, read)))]],
  });
}

/** Of a proxy of which nothing is known: it is served nothing. */
export const EMPTY_PROFILE: Profile = profileOf([]);

function profileOf(said: readonly Partial<ProfileLayers>[]): Profile {
  const layers = Object.fromEntries(
    layeredTypes.map((type) => [type, said.flatMap((layersByType) => layersByType[type] ?? [])]),
  ) as unknown as ProfileLayers;
  return { id: contentId(layers), layers };
}
