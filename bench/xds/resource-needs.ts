// Which names an Envoy asks for because of a resource that it got: endpoints of its clusters, routes of its listeners.
// Decoded for real, but once for each version of a resource, however many clients get it.

import { fromBinary } from "@bufbuild/protobuf";
import { Cluster_DiscoveryType, ClusterSchema } from "../../src/gen/envoy/config/cluster/v3/cluster_pb.ts";
import { ListenerSchema } from "../../src/gen/envoy/config/listener/v3/listener_pb.ts";
import { HttpConnectionManagerSchema } from "../../src/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { type ResourceType, resourceTypeOf } from "../../src/xds/resource-type.ts";
import type { DeltaResource } from "./delta-response.ts";

export interface ResourceNeeds {
  /** Names of endpoints for a cluster, of route configurations for a listener. */
  of(type: ResourceType, resource: DeltaResource): readonly string[];
}

export function createResourceNeeds(): ResourceNeeds {
  const known = new Map<string, readonly string[]>();
  return {
    of(type, resource) {
      if (type !== "cluster" && type !== "listener") return [];
      const key = `${type} ${resource.version} ${resource.name}`;
      const names =
        known.get(key) ?? (type === "cluster" ? endpointNames(resource.body) : routeNames(resource.body));
      known.set(key, names);
      return names;
    },
  };
}

function endpointNames(body: Uint8Array): readonly string[] {
  const { name, clusterDiscoveryType, edsClusterConfig } = fromBinary(ClusterSchema, body);
  if (clusterDiscoveryType.case !== "type" || clusterDiscoveryType.value !== Cluster_DiscoveryType.EDS)
    return [];
  return [edsClusterConfig?.serviceName || name];
}

function routeNames(body: Uint8Array): readonly string[] {
  const { filterChains, defaultFilterChain } = fromBinary(ListenerSchema, body);
  const chains = defaultFilterChain === undefined ? filterChains : [...filterChains, defaultFilterChain];
  const names = chains.flatMap(({ filters }) =>
    filters.flatMap(({ configType: { value } }) => {
      if (value === undefined || !("typeUrl" in value)) return [];
      if (!value.typeUrl.endsWith(HttpConnectionManagerSchema.typeName)) return [];
      const { routeSpecifier } = fromBinary(HttpConnectionManagerSchema, value.value);
      return routeSpecifier.case === "rds" ? [routeSpecifier.value.routeConfigName] : [];
    }),
  );
  return [...new Set(names)];
}

/** Throws for a type that nobody asked for. */
export function knownTypeOf(typeUrl: string): ResourceType {
  const type = resourceTypeOf(typeUrl);
  if (type === undefined) throw new Error(`Cannot take a response of type "${typeUrl}"`);
  return type;
}
