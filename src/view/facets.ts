// The facts about proxies that decide what they are served, beside the policies for them: the workload's own side, who
// the client is and where, what kind of proxy it is, and whether it may have Secrets.

import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import type { PlaceTables } from "./client-place.ts";
import { type ClientScope, type ClientScopes, MESH_SCOPE, meshScopeOf } from "./client-scope.ts";
import { EVERY_PROXY_LAYER, type LayerId, sidecarLayer, workloadLayer } from "./layer-id.ts";
import { underOverlays } from "./overlays.ts";
import type { Facet } from "./profile.ts";

interface FacetTables {
  readonly scopes: ClientScopes;
  readonly places: PlaceTables;
  readonly inboundOfProxy: Table<{ readonly id: string }>;
  readonly gatewayOfProxy: Table<{ readonly id: string }>;
  readonly secretReaderOfProxy: Table<true>;
  readonly telemetryOfProxy: Table<{ readonly id: string }>;
}

/** The most specific first. */
export function proxyFacets(tables: FacetTables): readonly Facet[] {
  return [ownSide(tables), clientAndPlace(tables), secrets(tables), kindOfProxy(tables)];
}

/** Inbound of a sidecar, servers of a gateway. */
function ownSide(tables: FacetTables): Facet {
  return (key, { kind }, read) => {
    const own = ownLayers(tables, { key, kind }, read);
    return { cluster: own, listener: own, route: own };
  };
}

function ownLayers(
  { inboundOfProxy, gatewayOfProxy }: FacetTables,
  { key, kind }: { readonly key: string; readonly kind: "sidecar" | "router" },
  read: Read,
): readonly LayerId[] {
  const view = read.get(kind === "router" ? gatewayOfProxy : inboundOfProxy, key);
  return view === undefined ? [] : [workloadLayer(view.id)];
}

/** What a client calls. A gateway has listeners and routes of its own alone. */
function clientAndPlace(tables: FacetTables): Facet {
  const { scopes, places } = tables;
  return (key, { kind }, read) => {
    const scope = scopeOf(scopes, key, read);
    const { node, wide } = read.get(places.ofProxy, key) ?? {};
    const placesOfClient = [node?.id ?? "", wide?.id ?? ""].filter((place) => place !== "");
    const shared = layersOf(scope, MESH_SCOPE);
    const byPlace = underOverlays(shared, placesOfClient);
    return {
      cluster: byPlace,
      endpoint: byPlace,
      "name-table": shared,
      ...(kind === "sidecar"
        ? {
            listener: asObserved(layersOf(scope, meshScopeOf(scope.families)), tables, key, read),
            route: shared,
          }
        : {}),
    };
  };
}

/** Over those of the mesh, unless it imports only some of what is there. */
function layersOf({ id, imports }: ClientScope, mesh: ClientScope): readonly LayerId[] {
  return imports === undefined ? [id, mesh.id] : [id];
}

/** Listeners of what a sidecar calls, under those that log or trace otherwise. */
function asObserved(
  layers: readonly LayerId[],
  { telemetryOfProxy }: FacetTables,
  key: string,
  read: Read,
): readonly LayerId[] {
  const own = read.get(telemetryOfProxy, key);
  return underOverlays(layers, own === undefined ? [] : [own.id]);
}

function scopeOf({ ofProxy }: ClientScopes, key: string, read: Read): ClientScope {
  return read.get(ofProxy, key) ?? MESH_SCOPE;
}

/** Who may have none shares no set with who may. */
function secrets(tables: FacetTables): Facet {
  return (key, { kind }, read) => {
    if (read.get(tables.secretReaderOfProxy, key) === undefined) return {};
    const scope = scopeOf(tables.scopes, key, read);
    return { secret: [...ownLayers(tables, { key, kind }, read), ...layersOf(scope, MESH_SCOPE)] };
  };
}

function kindOfProxy(tables: FacetTables): Facet {
  const { scopes } = tables;
  return (key, { kind }, read) => {
    if (kind === "router") return { cluster: [EVERY_PROXY_LAYER] };
    const layer = sidecarLayer(scopeOf(scopes, key, read).families);
    return { cluster: [layer, EVERY_PROXY_LAYER], listener: asObserved([layer], tables, key, read) };
  };
}
