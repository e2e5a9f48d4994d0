// The resources that the meshes of this folder give, as the fleet encodes them, put back into messages.

import { readdirSync, readFileSync } from "node:fs";
import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { declareResourceTables, type ResourceTables } from "../../src/fleet/resource-tables.ts";
import { ClusterSchema } from "../../src/gen/envoy/config/cluster/v3/cluster_pb.ts";
import { TypedExtensionConfigSchema } from "../../src/gen/envoy/config/core/v3/extension_pb.ts";
import { ClusterLoadAssignmentSchema } from "../../src/gen/envoy/config/endpoint/v3/endpoint_pb.ts";
import { ListenerSchema } from "../../src/gen/envoy/config/listener/v3/listener_pb.ts";
import { RouteConfigurationSchema } from "../../src/gen/envoy/config/route/v3/route_pb.ts";
import { splitLayerKey } from "../../src/view/layer-id.ts";
import { layeredTypes } from "../../src/view/profile.ts";
import { sidecar, type ViewFixture, viewFixture } from "../support/view-fixture.ts";

export interface MeshUnderGlass extends ViewFixture {
  readonly tables: ResourceTables;
}

export interface LayerResources {
  readonly clusters: readonly MessageShape<typeof ClusterSchema>[];
  readonly endpoints: readonly MessageShape<typeof ClusterLoadAssignmentSchema>[];
  readonly listeners: readonly MessageShape<typeof ListenerSchema>[];
  readonly routes: readonly MessageShape<typeof RouteConfigurationSchema>[];
  readonly extensionConfigs: readonly MessageShape<typeof TypedExtensionConfigSchema>[];
}

/** A mesh whose objects are still to be put. */
export function emptyMesh(): MeshUnderGlass {
  const fixture = viewFixture();
  return { ...fixture, tables: declareResourceTables(fixture.graph, fixture.views) };
}

/**
 * All objects of `meshes/`, with a sidecar in each namespace, two with sides of their own, some of each IP
 * families, and gateways.
 */
export function everything(): MeshUnderGlass {
  const mesh = emptyMesh();
  mesh.put(everyDocument());
  connectAll(mesh);
  return mesh;
}

export function connectAll(mesh: ViewFixture): void {
  mesh.connect(
    sidecar("shop", "web-1", { app: "web", version: "v1" }),
    sidecar("shop", "nodes-0", { app: "nodes" }),
    sidecar("other", "hidden-1", { app: "hidden" }),
    { ...sidecar("edge", "edge-1", { app: "edge" }), kind: "router" },
    { ...sidecar("edge", "edge-2", { app: "edge" }), kind: "router", addresses: ["10.244.0.10", "fd00::10"] },
    ...Object.values(proxiesByFamilies),
  );
}

/** Of the services in `meshes/families.yaml`. */
export const proxiesByFamilies = {
  ipv6: { ...sidecar("pairs", "web-6", { app: "web" }), addresses: ["fd00:244::6"] },
  dual: { ...sidecar("pairs", "web-1", { app: "web" }), addresses: ["10.244.7.1", "fd00:244::1"] },
};

export function everyDocument(): string {
  const folder = new URL("meshes/", import.meta.url);
  const files = readdirSync(folder).sort();
  return files.map((file) => readFileSync(new URL(file, folder), "utf8")).join("\n---\n");
}

export function tablesByType({ tables }: MeshUnderGlass) {
  return layeredTypes.map((type) => [type, tables[type]] as const);
}

/** The layers that hold any resource, sorted. */
export function layersOf(mesh: MeshUnderGlass): readonly string[] {
  const keys = tablesByType(mesh).flatMap(([, table]) => [...table.entries()].map(([key]) => key));
  return [...new Set(keys.map((key) => splitLayerKey(key).layer))].sort();
}

export function layerResources({ tables }: MeshUnderGlass, layer: string): LayerResources {
  return {
    clusters: messages(ClusterSchema, tables.cluster, layer),
    endpoints: messages(ClusterLoadAssignmentSchema, tables.endpoint, layer),
    listeners: messages(ListenerSchema, tables.listener, layer),
    routes: messages(RouteConfigurationSchema, tables.route, layer),
    extensionConfigs: messages(TypedExtensionConfigSchema, tables["extension-config"], layer),
  };
}

function messages<Schema extends DescMessage>(
  schema: Schema,
  table: ResourceTables["cluster"],
  layer: string,
): readonly MessageShape<Schema>[] {
  return [...table.entries()]
    .filter(([key]) => splitLayerKey(key).layer === layer)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, row]) =>
      row.kind === "present" ? [fromBinary(schema, Buffer.concat(row.resource.body))] : [],
    );
}
