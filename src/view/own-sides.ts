// What a proxy's own side follows from: the inbound side of a sidecar, the servers of a gateway. It is the same for the replicas
// of a workload, so the side is derived once for all proxies of which it is the same, and sees nothing else of any.

import { type IpFamilies, ipFamiliesOf } from "../core/ip-families.ts";
import type { Labels } from "../core/label-selector.ts";
import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Row, Table } from "../graph/table.ts";
import type { Topology } from "../kinds/mesh-config/proxy-config.ts";
import type { Model } from "../model/model.ts";
import { rowKey } from "../model/sources.ts";
import { addressedPorts, type WorkloadPlace } from "../model/workload-ports.ts";
import {
  type ClientScope,
  type ClientScopes,
  type ConnectedProxy,
  MESH_SCOPE,
  workloadOf,
} from "./client-scope.ts";

export interface OwnSide extends WorkloadPlace {
  readonly kind: ConnectedProxy["kind"];
  readonly families: IpFamilies;
  /** Of its pod, where one is known, else what it says itself; policies choose by them. `labels` are its own word. */
  readonly workloadLabels: Labels;
  readonly asksSeveralProviders: boolean;
  /** As which clients it calls; of gateways. */
  readonly scope?: ClientScope;
  /** Of a gateway whose pod has its own. */
  readonly topology?: Topology;
}

export interface OwnSides {
  /** By the proxy's key: the key of its row in `table`. */
  readonly ofProxy: Table<string>;
  /** One row for each that some proxy has; the key says all of it. */
  readonly table: Table<OwnSide>;
}

export interface OwnSideTables {
  readonly scopes: ClientScopes;
  readonly askSeveral: Table<true>;
}

export function declareOwnSides(graph: Graph, model: Model, tables: OwnSideTables): OwnSides {
  const sides = graph.derive<ConnectedProxy, readonly [string, OwnSide]>({
    name: "own sides of proxies",
    from: tables.scopes.proxies,
    equal: ([one], [other]) => one === other,
    rows(key, proxy, read) {
      const side = ownSide(key, proxy, { model, read, ...tables });
      return [[key, [JSON.stringify(side), side]]];
    },
  });
  const groups = graph.group(
    "proxies by own side",
    graph.index(sides, "own side", ([side]) => [side]),
  );
  return {
    ofProxy: graph.derive<readonly [string, OwnSide], string>({
      name: "keys of proxies' own sides",
      from: sides,
      rows: (key, [side]) => [[key, side]],
    }),
    table: graph.derive<readonly Row<readonly [string, OwnSide]>[], OwnSide>({
      name: "own sides",
      from: groups,
      // Its key says all of it.
      equal: () => true,
      rows: (side, members) => members.slice(0, 1).map(([, [, own]]) => [side, own] as const),
    }),
  };
}

interface Context extends OwnSideTables {
  readonly model: Model;
  readonly read: Read;
}

function ownSide(key: string, proxy: ConnectedProxy, { model, read, scopes, askSeveral }: Context): OwnSide {
  const { kind, namespace, name, labels, addresses, pod } = proxy;
  const topology =
    kind === "router" && pod !== undefined ? read.get(model.gatewayTopologies, pod.key) : undefined;
  return {
    ...{ kind, namespace, labels: sorted(labels), families: ipFamiliesOf(addresses) },
    workloadLabels: sorted(workloadOf(proxy, model, read)?.labels ?? labels),
    portNumbers: read.get(model.workloads.table, rowKey(namespace, name))?.portNumbers ?? {},
    addressedPorts: addressedPorts(proxy, { model, read }),
    asksSeveralProviders: read.get(askSeveral, key) ?? false,
    ...(kind === "router" && { scope: read.get(scopes.ofProxy, key) ?? MESH_SCOPE }),
    ...(topology !== undefined && { topology }),
  };
}

/** Equal labels in whatever order are one. */
function sorted(labels: Labels): Labels {
  return Object.fromEntries(Object.entries(labels).sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** The row of each proxy's own side among `views`, by the proxy's key. */
export function viewsOfProxies<V>(
  graph: Graph,
  { name, sides, views }: { readonly name: string; readonly sides: OwnSides; readonly views: Table<V> },
): Table<V> {
  return graph.derive<string, V>({
    name,
    from: sides.ofProxy,
    rows(key, side, read) {
      const view = read.get(views, side);
      return view === undefined ? [] : [[key, view]];
    },
  });
}
