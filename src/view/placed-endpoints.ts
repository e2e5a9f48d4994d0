// Endpoints as clients of each place are given them, and clusters that hold their own: overlays over the layers of the
// mesh and of client scopes. One load assignment serves all clients of a place, however many they are.

import type { Graph } from "../graph/graph.ts";
import type { Table } from "../graph/table.ts";
import type { ClientPlace } from "./client-place.ts";
import type { EndpointInputs, OutboundClusterInputs } from "./cluster-inputs.ts";
import { isPlaceDependent, type PlaceFacts, placeEndpoints } from "./endpoint-placement.ts";
import { deriveOverlaidRows } from "./overlays.ts";
import type { Profile } from "./profile.ts";
import type { Scoped } from "./scoped-rows.ts";

/** Those of connected proxies, by id. */
interface ConnectedClients {
  readonly places: Table<ClientPlace>;
  readonly profiles: Table<Profile>;
}

/** Rows by layer of a place and cluster name. */
export function declarePlacedEndpoints(
  graph: Graph,
  endpoints: Table<Scoped<EndpointInputs>>,
  clients: ConnectedClients,
): Table<Scoped<EndpointInputs>> {
  return declarePlaced(graph, {
    name: "placed cluster endpoints",
    type: "endpoint",
    base: endpoints,
    clients,
    endpointsOf: (inputs) => inputs,
    place: placeEndpoints,
  });
}

/** Rows by layer of a place and cluster name, for clusters whose endpoints are found by DNS. */
export function declarePlacedClusters(
  graph: Graph,
  clusters: Table<Scoped<OutboundClusterInputs>>,
  clients: ConnectedClients,
): Table<Scoped<OutboundClusterInputs>> {
  return declarePlaced(graph, {
    name: "placed clusters",
    type: "cluster",
    base: clusters,
    clients,
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
  readonly type: "cluster" | "endpoint";
  readonly base: Table<Scoped<T>>;
  readonly clients: ConnectedClients;
  readonly endpointsOf: (inputs: T) => EndpointInputs | undefined;
  readonly place: (inputs: T, place: PlaceFacts) => T;
}

function declarePlaced<T>(graph: Graph, derivation: PlacedDerivation<T>): Table<Scoped<T>> {
  const { name, type, base, clients, endpointsOf, place } = derivation;
  return deriveOverlaidRows<Scoped<T>, ClientPlace, Scoped<T>>(graph, {
    name,
    type,
    base,
    overlays: clients.places,
    profiles: clients.profiles,
    touches(row, { breadth }) {
      const endpoints = row.kind === "absent" ? undefined : endpointsOf(row.inputs);
      if (endpoints === undefined || !isPlaceDependent(endpoints)) return false;
      return (breadth === "node") === (endpoints.placement?.looksAtNode ?? false);
    },
    apply: (row, each) =>
      row.kind === "absent" ? row : { kind: "present", inputs: place(row.inputs, each) },
  });
}
