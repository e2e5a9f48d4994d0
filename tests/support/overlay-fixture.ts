// For tests: clusters in layers, patched for the proxies that patches choose, as EnvoyFilters will be; and what each proxy
// would be served if its clusters were built and patched for it alone.

import { type Labels, matchesLabels } from "../../src/core/label-selector.ts";
import { objectKey } from "../../src/core/object-key.ts";
import { buildCluster } from "../../src/envoy/cluster/cluster.ts";
import type { ClusterInit } from "../../src/envoy/cluster/cluster-feature.ts";
import { type BuiltResource, buildResource } from "../../src/fleet/built-resource.ts";
import { LayeredRows } from "../../src/fleet/layered-rows.ts";
import { ProxySet } from "../../src/fleet/proxy-set.ts";
import {
  ABSENT,
  equalRows,
  equalRowsOfEqualSource,
  present,
  type ResourceRow,
  type ResourceTable,
} from "../../src/fleet/resource-row.ts";
import type { ResourceTables } from "../../src/fleet/resource-tables.ts";
import { Cluster_DiscoveryType, ClusterSchema } from "../../src/gen/envoy/config/cluster/v3/cluster_pb.ts";
import { Graph } from "../../src/graph/graph.ts";
import type { Table } from "../../src/graph/table.ts";
import type { ConnectedProxy } from "../../src/view/client-scope.ts";
import { asLayerId, type LayerId, layerKey, MESH_LAYER, splitLayerKey } from "../../src/view/layer-id.ts";
import { deriveOverlaidRows, underOverlays } from "../../src/view/overlays.ts";
import { declareProfiles, layeredTypes, type Profile } from "../../src/view/profile.ts";
import type { Scoped } from "../../src/view/scoped-rows.ts";
import { distinct } from "../../src/view/shared-rows.ts";
import { sidecar } from "./view-fixture.ts";

export type ClusterRow = Scoped<{ readonly name: string; readonly timeoutSeconds: number }>;

/** The clusters of these names get their endpoints by another name. */
export interface Patch {
  readonly labels: Labels;
  readonly clusters: readonly string[];
  readonly serviceName: string;
}

export interface PatchedProxy {
  readonly namespace: string;
  readonly labels: Labels;
  /** A place, whose layers are over those of its namespace and of the mesh. */
  readonly place: string;
}

/** Undefined takes away what was there. */
export type Edit =
  | { readonly layer: string; readonly cluster: string; readonly seconds: number | "absent" | undefined }
  | { readonly patch: string; readonly to: Patch | undefined }
  | { readonly proxy: string; readonly to: PatchedProxy | undefined };

type NamedPatch = readonly [name: string, patch: Patch];

export interface OverlayFixture {
  readonly proxies: Table<ConnectedProxy>;
  readonly profiles: Table<Profile>;
  /** The rows of clusters that changed, by layer and name. */
  edit(...edits: readonly Edit[]): readonly string[];
  layers(): readonly string[];
  served(proxy: string, cluster: string): BuiltResource | undefined;
  /** And by how many patches it was changed. */
  builtAlone(
    proxy: string,
    cluster: string,
  ): { readonly resource: BuiltResource; readonly patchCount: number } | undefined;
  /** How often an overlay was applied to a row. */
  appliedCount(): number;
}

export function overlayFixture(): OverlayFixture {
  const graph = new Graph();
  const proxies = graph.source<ConnectedProxy>("proxies");
  const rows = graph.source<ClusterRow>("cluster rows");
  const patches = graph.source<Patch>("patches");
  const { setOfProxy, sets } = declarePatchSets(graph, proxies, patches);
  const profiles = declareProfiles(graph, proxies, [
    (key, proxy, read) => {
      const { id } = read.get(setOfProxy, key) ?? { id: "" };
      return { cluster: underOverlays(placedLayers(proxy), id === "" ? [] : [id]) };
    },
  ]);
  let appliedCount = 0;
  const patched = deriveOverlaidRows<ClusterRow, readonly NamedPatch[], PatchedInputs>(graph, {
    name: "patched clusters",
    type: "cluster",
    base: rows,
    overlays: sets,
    profiles: distinct(graph, "profiles", profiles),
    touches: (row, each) => row.kind === "present" && patchesOf(row.inputs.name, each).length > 0,
    apply(row, each) {
      appliedCount += 1;
      return { row, patches: row.kind === "present" ? patchesOf(row.inputs.name, each) : [] };
    },
  });
  const cluster = graph.union("cluster resources", [
    graph.derive<ClusterRow, ResourceRow>({
      name: "base cluster resources",
      from: rows,
      equal: equalRows,
      rows: (key, row) => [[key, resourceRow({ row, patches: [] })]],
    }),
    graph.derive<PatchedInputs, ResourceRow>({
      name: "patched cluster resources",
      from: patched,
      equal: equalRowsOfEqualSource,
      rows: (key, inputs) => [[key, resourceRow(inputs)]],
    }),
  ]);
  const layered = new LayeredRows(tablesWith(graph, cluster));
  return {
    proxies,
    profiles,
    edit(...edits) {
      const commit = graph.commit(({ set, delete: remove }) => {
        const put = <V>(
          table: typeof rows | typeof patches | typeof proxies,
          key: string,
          to: V | undefined,
        ) => (to === undefined ? remove(table as never, key) : set(table as never, key, to));
        for (const each of edits) {
          if ("patch" in each) put(patches, each.patch, each.to);
          else if ("proxy" in each) put(proxies, each.proxy, each.to && connected(each.proxy, each.to));
          else
            put(rows, layerKey(asLayerId(each.layer), each.cluster), clusterRow(each.cluster, each.seconds));
        }
      });
      if (commit.errors.length > 0) throw new AggregateError(commit.errors.map(({ error }) => error));
      layered.take(commit);
      return [...(commit.changed.get(cluster) ?? [])].sort();
    },
    layers: () => [...new Set([...cluster.entries()].map(([key]) => splitLayerKey(key).layer))].sort(),
    served(proxy, name) {
      const profile = profiles.get(proxy);
      return profile && new ProxySet(layered, profile.layers).get("cluster", name);
    },
    builtAlone(proxy, name) {
      const found = proxies.get(proxy);
      const row =
        found &&
        placedLayers(found)
          .map((layer) => rows.get(layerKey(layer, name)))
          .find((each) => each);
      if (found === undefined || row?.kind !== "present") return undefined;
      const chosen = [...patches.entries()]
        .sort(byName)
        .filter(([, { labels }]) => matchesLabels(labels, found.labels));
      const own = patchesOf(name, chosen);
      const built = resourceRow({ row, patches: own });
      return built.kind === "present" ? { resource: built.resource, patchCount: own.length } : undefined;
    },
    appliedCount: () => appliedCount,
  };
}

function declarePatchSets(graph: Graph, proxies: Table<ConnectedProxy>, patches: Table<Patch>) {
  const setOfProxy = graph.derive<ConnectedProxy, { readonly id: string; readonly names: readonly string[] }>(
    {
      name: "patches of proxies",
      from: proxies,
      rows(key, { labels }, read) {
        const chosen = read.all(patches).filter(([, patch]) => matchesLabels(patch.labels, labels));
        const names = chosen.map(([name]) => name);
        return [[key, { id: names.join("+"), names }]];
      },
    },
  );
  const sets = graph.derive<{ readonly names: readonly string[] }, readonly NamedPatch[]>({
    name: "patches by set",
    from: distinct(graph, "patch sets", setOfProxy),
    rows: (id, { names }, read) => [
      [
        id,
        names.flatMap((name) =>
          read.get(patches, name) === undefined ? [] : [[name, read.get(patches, name) as Patch] as const],
        ),
      ],
    ],
  });
  return { setOfProxy, sets };
}

interface PatchedInputs {
  readonly row: ClusterRow;
  readonly patches: readonly NamedPatch[];
}

function resourceRow({ row, patches }: PatchedInputs): ResourceRow {
  if (row.kind === "absent") return ABSENT;
  const { name, timeoutSeconds } = row.inputs;
  const message = buildCluster(name, [], {});
  message.connectTimeout = { seconds: BigInt(timeoutSeconds) };
  for (const [, patch] of patches) applyPatch(message, patch);
  const provenance = patches.map(([patch]) => ({
    object: objectKey({ kind: "EnvoyFilter", namespace: "a", name: patch }),
  }));
  return present(buildResource(ClusterSchema, message, { name, provenance }));
}

function applyPatch(message: ClusterInit, { serviceName }: Patch): void {
  message.clusterDiscoveryType = { case: "type", value: Cluster_DiscoveryType.EDS };
  message.edsClusterConfig = {
    serviceName,
    edsConfig: { configSourceSpecifier: { case: "ads", value: {} } },
  };
}

function patchesOf(cluster: string, patches: readonly NamedPatch[]): readonly NamedPatch[] {
  return patches.filter(([, { clusters }]) => clusters.includes(cluster));
}

function placedLayers({ namespace, locality }: ConnectedProxy): readonly LayerId[] {
  return underOverlays([asLayerId(namespace), MESH_LAYER], locality === "" ? [] : [locality]);
}

function connected(name: string, { namespace, labels, place }: PatchedProxy): ConnectedProxy {
  return { ...sidecar(namespace, name, labels), locality: place };
}

function clusterRow(name: string, seconds: number | "absent" | undefined): ClusterRow | undefined {
  if (seconds === undefined) return undefined;
  return seconds === "absent" ? ABSENT : { kind: "present", inputs: { name, timeoutSeconds: seconds } };
}

function tablesWith(graph: Graph, cluster: ResourceTable): ResourceTables {
  const others = layeredTypes.map((type) => [
    type,
    type === "cluster" ? cluster : graph.source(`${type} resources`),
  ]);
  return Object.fromEntries(others) as unknown as ResourceTables;
}

function byName([a]: NamedPatch, [b]: NamedPatch): number {
  return a < b ? -1 : 1;
}
