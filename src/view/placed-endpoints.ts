// Endpoints as clients of each place are given them, and clusters that hold their own: layers over those of the mesh and
// of client scopes. One load assignment serves all clients of a place, however many they are.

import type { Graph } from "../graph/graph.ts";
import type { Table } from "../graph/table.ts";
import type { PlaceTables } from "./client-place.ts";
import type { EndpointInputs, OutboundClusterInputs } from "./cluster-inputs.ts";
import { isPlaceDependent, type PlaceFacts, placeEndpoints } from "./endpoint-placement.ts";
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
  return declarePlaced(graph, {
    name: "placed cluster endpoints",
    from: endpoints,
    places,
    endpointsOf: (inputs) => inputs,
    place: placeEndpoints,
  });
}

/** Rows by placed layer and cluster name, for clusters whose endpoints are found by DNS. */
export function declarePlacedClusters(
  graph: Graph,
  clusters: Table<Scoped<OutboundClusterInputs>>,
  places: PlaceTables,
): Table<Scoped<OutboundClusterInputs>> {
  return declarePlaced(graph, {
    name: "placed clusters",
    from: clusters,
    places,
    endpointsOf: ownEndpoints,
    place(inputs, place) {
      const { discovery } = inputs;
      if (discovery.kind !== "dns") return inputs;
      return {
        ...inputs,
        discovery: { ...discovery, endpoints: placeEndpoints(discovery.endpoints, place) },
      };
    },
  });
}

/** The endpoints that clusters hold themselves, by layer and cluster name. */
export function declareOwnEndpoints(
  graph: Graph,
  clusters: Table<Scoped<OutboundClusterInputs>>,
): Table<Scoped<EndpointInputs>> {
  return graph.derive<Scoped<OutboundClusterInputs>, Scoped<EndpointInputs>>({
    name: "endpoints in clusters",
    from: clusters,
    rows(key, row) {
      const inputs = row.kind === "absent" ? undefined : ownEndpoints(row.inputs);
      return inputs === undefined ? [] : [[key, { kind: "present", inputs }]];
    },
  });
}

function ownEndpoints({ discovery }: OutboundClusterInputs): EndpointInputs | undefined {
  return discovery.kind === "dns" ? discovery.endpoints : undefined;
}

interface PlacedDerivation<T> {
  readonly name: string;
  readonly from: Table<Scoped<T>>;
  readonly places: PlaceTables;
  readonly endpointsOf: (inputs: T) => EndpointInputs | undefined;
  readonly place: (inputs: T, place: PlaceFacts) => T;
}

function declarePlaced<T>(graph: Graph, derivation: PlacedDerivation<T>): Table<Scoped<T>> {
  const { name, from, places, endpointsOf, place } = derivation;
  return graph.derive<Scoped<T>, Scoped<T>>({
    name,
    from,
    *rows(key, row, read) {
      const endpoints = row.kind === "absent" ? undefined : endpointsOf(row.inputs);
      if (row.kind === "absent" || endpoints === undefined || !isPlaceDependent(endpoints)) return;
      const { layer, name: ofCluster } = splitLayerKey(key);
      const table = endpoints.placement?.looksAtNode ? places.node : places.wide;
      for (const [, each] of read.all(table)) {
        yield [
          layerKey(placedLayer(layer, each.id), ofCluster),
          { kind: "present", inputs: place(row.inputs, each) },
        ];
      }
    },
  });
}
