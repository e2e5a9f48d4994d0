// A bootstrap that holds generated resources as static ones, so that Envoy validates every part of them.

import assert from "node:assert/strict";
import { create, fromBinary, fromJson } from "@bufbuild/protobuf";
import { encode, messageIn, typedConfig } from "../../src/envoy/encode.ts";
import { httpConnectionManagerFilter } from "../../src/envoy/listener/http-connection-manager.ts";
import { type Bootstrap, BootstrapSchema } from "../../src/gen/envoy/config/bootstrap/v3/bootstrap_pb.ts";
import { Cluster_DiscoveryType, ClusterSchema } from "../../src/gen/envoy/config/cluster/v3/cluster_pb.ts";
import { ListenerSchema } from "../../src/gen/envoy/config/listener/v3/listener_pb.ts";
import type { RouteConfiguration } from "../../src/gen/envoy/config/route/v3/route_pb.ts";
import { RouterSchema } from "../../src/gen/envoy/extensions/filters/http/router/v3/router_pb.ts";
import { HttpConnectionManagerSchema } from "../../src/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import type { LayerResources } from "./mesh-resources.ts";

export function bootstrapOf(layer: LayerResources): Bootstrap {
  const { clusters, endpoints, listeners, routes, extensionConfigs } = layer;
  const bootstrap = fromJson(BootstrapSchema, SURROUNDINGS);
  const resources = bootstrap.staticResources;
  assert.ok(resources !== undefined);
  resources.clusters.push(...clusters, ...endpoints.map(staticCluster));
  resources.listeners.push(...listeners, ...routes.map(routesListener), ...slotsListeners(extensionConfigs));
  return bootstrap;
}

/** An assignment that comes by EDS is looked at by Envoy when it comes; here a cluster of its own holds it. */
function staticCluster(assignment: LayerResources["endpoints"][number]) {
  return create(ClusterSchema, {
    name: `endpoints of ${assignment.clusterName}`,
    connectTimeout: { seconds: 1n },
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STATIC },
    loadAssignment: assignment,
  });
}

/** Routes that come by RDS likewise stand in a listener of their own. */
function routesListener(routeConfiguration: RouteConfiguration, at: number) {
  const forward = {
    kind: "http",
    side: "outbound",
    statPrefix: "check",
    routeName: "",
    hasGrpcWeb: true,
  } as const;
  const settings = { pathNormalization: "BASE", protocolDetectionTimeout: "0s" } as const;
  const { configType } = httpConnectionManagerFilter(forward, settings);
  const manager = typedConfig(HttpConnectionManagerSchema, {
    ...messageIn(HttpConnectionManagerSchema, configType?.value),
    routeSpecifier: { case: "routeConfig", value: routeConfiguration },
  });
  const listener = {
    name: `routes of ${routeConfiguration.name}`,
    address: pipe(`/tmp/mlt-validate-${at}`),
    filterChains: [
      {
        filters: [{ name: "http", configType: { case: "typedConfig" as const, value: manager } }],
      },
    ],
  };
  return fromBinary(ListenerSchema, encode(ListenerSchema, listener).bytes);
}

/** Filters that come by ECDS likewise: those of HTTP in one connection manager, those of connections in one chain. */
function slotsListeners(slots: LayerResources["extensionConfigs"]) {
  if (slots.length === 0) return [];
  const filters = slots.map(({ name, typedConfig }) => {
    assert.ok(typedConfig !== undefined);
    return { name, configType: { case: "typedConfig" as const, value: typedConfig } };
  });
  const isOfHttp = ({ name }: { readonly name: string }) => name.startsWith("meltemi.http.");
  const manager = typedConfig(HttpConnectionManagerSchema, {
    statPrefix: "check",
    routeSpecifier: { case: "routeConfig", value: { name: "none" } },
    httpFilters: [
      ...filters.filter(isOfHttp),
      { name: "router", configType: { case: "typedConfig", value: typedConfig(RouterSchema, {}) } },
    ],
  });
  const listener = {
    name: "slots",
    address: pipe("/tmp/mlt-validate-slots"),
    filterChains: [
      {
        filters: [
          ...filters.filter((filter) => !isOfHttp(filter)),
          { name: "http", configType: { case: "typedConfig" as const, value: manager } },
        ],
      },
    ],
  };
  return [fromBinary(ListenerSchema, encode(ListenerSchema, listener).bytes)];
}

function pipe(path: string) {
  return { address: { case: "pipe" as const, value: { path } } };
}

const LOCAL = {
  type: "STATIC",
  connectTimeout: "1s",
  typedExtensionProtocolOptions: {},
};

/** What the agent's bootstrap has: the clusters that secrets and config come from. */
const SURROUNDINGS = {
  node: { id: "sidecar~10.244.0.9~web-1.shop~shop.svc.cluster.local", cluster: "web.shop" },
  dynamicResources: {
    adsConfig: {
      apiType: "DELTA_GRPC",
      transportApiVersion: "V3",
      grpcServices: [{ envoyGrpc: { clusterName: "xds-grpc" } }],
    },
  },
  staticResources: {
    clusters: ["xds-grpc", "sds-grpc"].map((name) => ({
      ...LOCAL,
      name,
      http2ProtocolOptions: {},
      loadAssignment: {
        clusterName: name,
        endpoints: [{ lbEndpoints: [{ endpoint: { address: { pipe: { path: `/tmp/${name}` } } } }] }],
      },
    })),
  },
};
