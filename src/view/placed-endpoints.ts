// Endpoints as clients of each place are given them: layers over those of the mesh and of client scopes. One load
// assignment serves all clients of a place, however many they are.

import type { Graph } from "../graph/graph.ts";
import type { Table } from "../graph/table.ts";
import type { PlaceTables } from "./client-place.ts";
import type { EndpointInputs } from "./cluster-inputs.ts";
import { isPlaceDependent, placeEndpoints } from "./endpoint-placement.ts";
import { layerKey, type Scoped, splitLayerKey } from "./scoped-rows.ts";

/** The layer of a place over that of a client scope, or of the mesh. */
export function placedLayer(layer: string, placeId: string): string {
  return `${layer}^${placeId}`;
}

/** Rows by placed layer and cluster name. */
export function declarePlacedEndpoints(
  graph: Graph,
  endpoints: Table<Scoped<EndpointInputs>>,
  places: PlaceTables,
): Table<Scoped<EndpointInputs>> {
  return graph.derive<Scoped<EndpointInputs>, Scoped<EndpointInputs>>({
    name: "placed cluster endpoints",
    from: endpoints,
    *rows(key, row, read) {
      if (row.kind === "absent" || !isPlaceDependent(row.inputs)) return;
      const { layer, name } = splitLayerKey(key);
      const table = row.inputs.placement?.looksAtNode ? places.node : places.wide;
      for (const [, place] of read.all(table)) {
        const inputs = placeEndpoints(row.inputs, place);
        yield [layerKey(placedLayer(layer, place.id), name), { kind: "present", inputs }];
      }
    },
  });
}
