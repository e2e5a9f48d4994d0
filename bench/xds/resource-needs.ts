// Which names an Envoy asks for because of a resource that it got: endpoints of its clusters, routes and policies of its
// listeners.
// Decoded for real, but once for each version of a resource, however many clients get it.

import { fromBinary } from "@bufbuild/protobuf";
import { Cluster_DiscoveryType, ClusterSchema } from "../../src/gen/envoy/config/cluster/v3/cluster_pb.ts";
import type { Filter } from "../../src/gen/envoy/config/listener/v3/listener_components_pb.ts";
import { ListenerSchema } from "../../src/gen/envoy/config/listener/v3/listener_pb.ts";
import { HttpConnectionManagerSchema } from "../../src/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { type ResourceType, resourceTypeOf } from "../../src/xds/resource-type.ts";
import type { DeltaResource } from "./delta-response.ts";

export type NeededType = "endpoint" | "route" | "extension-config";

export interface NeededName {
  readonly type: NeededType;
  readonly name: string;
}

export interface ResourceNeeds {
  of(type: ResourceType, resource: DeltaResource): readonly NeededName[];
}

export function createResourceNeeds(): ResourceNeeds {
  const known = new Map<string, readonly NeededName[]>();
  return {
    of(type, resource) {
      if (type !== "cluster" && type !== "listener") return [];
      const key = `${type} ${resource.version} ${resource.name}`;
      const names =
        known.get(key) ?? (type === "cluster" ? ofCluster(resource.body) : ofListener(resource.body));
      known.set(key, names);
      return names;
    },
  };
}

function ofCluster(body: Uint8Array): readonly NeededName[] {
  const { name, clusterDiscoveryType, edsClusterConfig } = fromBinary(ClusterSchema, body);
  if (clusterDiscoveryType.case !== "type" || clusterDiscoveryType.value !== Cluster_DiscoveryType.EDS)
    return [];
  return [{ type: "endpoint", name: edsClusterConfig?.serviceName || name }];
}

function ofListener(body: Uint8Array): readonly NeededName[] {
  const { filterChains, defaultFilterChain } = fromBinary(ListenerSchema, body);
  const chains = defaultFilterChain === undefined ? filterChains : [...filterChains, defaultFilterChain];
  const names = chains.flatMap(({ filters }) => [
    ...discovered(filters),
    ...filters.flatMap(ofConnectionManager),
  ]);
  return [...new Map(names.map((needed) => [`${needed.type} ${needed.name}`, needed])).values()];
}

function ofConnectionManager({ configType: { value } }: Filter): readonly NeededName[] {
  if (value === undefined || !("typeUrl" in value)) return [];
  if (!value.typeUrl.endsWith(HttpConnectionManagerSchema.typeName)) return [];
  const { routeSpecifier, httpFilters } = fromBinary(HttpConnectionManagerSchema, value.value);
  const policies = discovered(httpFilters);
  if (routeSpecifier.case !== "rds") return policies;
  return [{ type: "route", name: routeSpecifier.value.routeConfigName }, ...policies];
}

function discovered(
  filters: readonly { readonly name: string; readonly configType: { readonly case?: string | undefined } }[],
): readonly NeededName[] {
  return filters.flatMap(({ name, configType }) =>
    configType.case === "configDiscovery" ? [{ type: "extension-config" as const, name }] : [],
  );
}

/** Throws for a type that nobody asked for. */
export function knownTypeOf(typeUrl: string): ResourceType {
  const type = resourceTypeOf(typeUrl);
  if (type === undefined) throw new Error(`Cannot take a response of type "${typeUrl}"`);
  return type;
}
