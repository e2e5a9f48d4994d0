// Where clients are, for services that answer by it. Most don't, so the facts that none looks at stay out of a
// place, and all clients then share one.

import type { Graph } from "../graph/graph.ts";
import type { Row, Table } from "../graph/table.ts";
import { HOSTNAME_LABEL, labelsWithPlace } from "../model/locality.ts";
import type { Model } from "../model/model.ts";
import { type ConnectedProxy, workloadOf } from "./client-scope.ts";
import type { EndpointInputs } from "./cluster-inputs.ts";
import { isPlaceDependent, type PlaceFacts } from "./endpoint-placement.ts";
import { withoutSeparators } from "./layer-id.ts";
import type { Scoped } from "./scoped-rows.ts";

/** What some clients have in common: `wide` without their node. */
export interface ClientPlace extends PlaceFacts {
  /** Empty where nothing looks at it. */
  readonly id: string;
  readonly breadth: "wide" | "node";
}

/** A client's places: by its locality and labels alone, and with its node. */
export interface ClientPlaces {
  readonly wide: ClientPlace;
  readonly node: ClientPlace;
}

export interface PlaceTables {
  /** By the proxy's key. */
  readonly ofProxy: Table<ClientPlaces>;
  /** Those of connected clients, by id. */
  readonly table: Table<ClientPlace>;
}

interface WhatCounts {
  readonly place: boolean;
  readonly node: boolean;
  readonly labels: readonly string[];
}

const ANY = "any";

export function declareClientPlaces(
  graph: Graph,
  model: Model,
  proxies: Table<ConnectedProxy>,
  endpoints: Table<Scoped<EndpointInputs>>,
): PlaceTables {
  const looking = graph.index(endpoints, "endpoints that look at places", (row) =>
    row.kind === "present" && isPlaceDependent(row.inputs) ? [ANY] : [],
  );
  const counts = graph.deriveOne<WhatCounts>({
    name: "facts of places that count",
    value: (read) => whatCounts(read.find(looking, ANY).map(([, row]) => row)),
  });
  const ofProxy = graph.derive<ConnectedProxy, ClientPlaces>({
    name: "places of proxies",
    from: proxies,
    rows: (key, proxy, read) => {
      const workload = workloadOf(proxy, model, read);
      const locality = workload?.locality || proxy.locality;
      const facts = {
        locality,
        nodeName: workload?.nodeName ?? "",
        labels: workload?.labels ?? proxy.labels,
      };
      return [[key, placesOf(facts, read.one(counts))]];
    },
  });
  const ofBreadth = (["wide", "node"] as const).map((breadth) => placesInUse(graph, ofProxy, breadth));
  return { ofProxy, table: graph.union("places of clients", ofBreadth) };
}

function whatCounts(rows: readonly Scoped<EndpointInputs>[]): WhatCounts {
  const placements = rows.flatMap((row) =>
    row.kind === "present" && row.inputs.placement !== undefined ? [row.inputs.placement] : [],
  );
  const labels = placements.flatMap(({ failover }) => failover?.labels ?? []);
  return {
    place: placements.some(({ looksAtNode }) => !looksAtNode),
    node: placements.some(({ looksAtNode }) => looksAtNode),
    labels: [...new Set(labels.map(({ key }) => key))].sort(),
  };
}

function placesOf(facts: PlaceFacts, { place, node, labels }: WhatCounts): ClientPlaces {
  const { locality, nodeName } = facts;
  const all = labelsWithPlace(facts.labels, facts);
  const chosen = (keys: readonly string[]) => Object.fromEntries(keys.map((key) => [key, all[key] ?? ""]));
  const wideLabels = chosen(labels.filter((key) => key !== HOSTNAME_LABEL));
  return {
    wide: place ? placeOf("wide", { locality, nodeName: "", labels: wideLabels }) : nowhere("wide"),
    node: node ? placeOf("node", { locality, nodeName, labels: chosen(labels) }) : nowhere("node"),
  };
}

function nowhere(breadth: ClientPlace["breadth"]): ClientPlace {
  return { id: "", breadth, locality: "", nodeName: "", labels: {} };
}

function placeOf(breadth: ClientPlace["breadth"], facts: PlaceFacts): ClientPlace {
  const labels = Object.entries(facts.labels).map(([key, value]) => `${key}=${value}`);
  const node = breadth === "node" ? [`@${facts.nodeName}`] : [];
  const id = [`~${facts.locality}`, ...node, ...labels].join(";");
  return { ...facts, breadth, id: withoutSeparators(id) };
}

function placesInUse(
  graph: Graph,
  ofProxy: Table<ClientPlaces>,
  breadth: ClientPlace["breadth"],
): Table<ClientPlace> {
  const groups = graph.group(
    `proxies by ${breadth} place`,
    graph.index(ofProxy, `${breadth} places`, (places) =>
      places[breadth].id === "" ? [] : [places[breadth].id],
    ),
  );
  return graph.derive<readonly Row<ClientPlaces>[], ClientPlace>({
    name: `${breadth} places of clients`,
    from: groups,
    rows: (id, members) => members.slice(0, 1).map(([, places]) => [id, places[breadth]] as const),
  });
}
