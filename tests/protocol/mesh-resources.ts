// Small real resources for protocol tests: an EDS cluster, its endpoints, a listener on a pipe, its routes.

import { createHash } from "node:crypto";
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { create, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { encode as encodePlain, type Plain, typedConfig } from "../../src/envoy/encode.ts";
import { Cluster_DiscoveryType, ClusterSchema } from "../../src/gen/envoy/config/cluster/v3/cluster_pb.ts";
import { ApiVersion } from "../../src/gen/envoy/config/core/v3/config_source_pb.ts";
import { TypedExtensionConfigSchema } from "../../src/gen/envoy/config/core/v3/extension_pb.ts";
import { ClusterLoadAssignmentSchema } from "../../src/gen/envoy/config/endpoint/v3/endpoint_pb.ts";
import { ListenerSchema } from "../../src/gen/envoy/config/listener/v3/listener_pb.ts";
import { RBAC_Action } from "../../src/gen/envoy/config/rbac/v3/rbac_pb.ts";
import { RouteConfigurationSchema } from "../../src/gen/envoy/config/route/v3/route_pb.ts";
import { FilterChainConfigSchema } from "../../src/gen/envoy/extensions/filters/http/filter_chain/v3/filter_chain_pb.ts";
import { RBACSchema } from "../../src/gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.ts";
import { RouterSchema } from "../../src/gen/envoy/extensions/filters/http/router/v3/router_pb.ts";
import { HttpConnectionManagerSchema } from "../../src/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import type { Resource, ResourceReference } from "../../src/xds/resource.ts";
import type { ResourceType } from "../../src/xds/resource-type.ts";

export type TypedResource = readonly [ResourceType, Resource];

const ads = {
  configSourceSpecifier: { case: "ads", value: {} },
  resourceApiVersion: ApiVersion.V3,
} as const;

/** `connectTimeoutMs` tells versions of a cluster apart. */
export function cluster(name: string, { connectTimeoutMs = 1000 } = {}): TypedResource {
  const message = create(ClusterSchema, {
    name,
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: ads },
    connectTimeout: { seconds: 0n, nanos: connectTimeoutMs * 1_000_000 - 1 },
  });
  return ["cluster", resource(name, encode(ClusterSchema, message), [{ type: "endpoint", name }])];
}

/** A cluster that Envoy refuses: EDS without a source. */
export function badCluster(name: string): TypedResource {
  const message = create(ClusterSchema, {
    name,
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.EDS },
  });
  return ["cluster", resource(name, encode(ClusterSchema, message))];
}

/** A cluster that Envoy can't take in: all that comes with it is lost, and Envoy doesn't say which it is. */
export function undecodableCluster(name: string): TypedResource {
  const message = create(ClusterSchema, { name, connectTimeout: { seconds: 0n, nanos: 0 } });
  return ["cluster", resource(name, encode(ClusterSchema, message))];
}

export function endpoints(name: string, port: number): TypedResource {
  const socketAddress = { address: "127.0.0.1", portSpecifier: { case: "portValue", value: port } } as const;
  const address = { address: { case: "socketAddress", value: socketAddress } } as const;
  const message = create(ClusterLoadAssignmentSchema, {
    clusterName: name,
    endpoints: [{ lbEndpoints: [{ hostIdentifier: { case: "endpoint", value: { address } } }] }],
  });
  return ["endpoint", resource(name, encode(ClusterLoadAssignmentSchema, message))];
}

interface ListenerOptions {
  /** The name of a policy, which comes by ECDS and is before the router. */
  readonly policy?: string;
  /** Tells versions of a listener apart. */
  readonly statPrefix?: string;
}

/** A listener on the pipe `path`, which asks for the routes `routeName`. */
export function listener(
  name: string,
  path: string,
  routeName: string,
  { policy: policyName, statPrefix = name }: ListenerOptions = {},
): TypedResource {
  const manager = create(HttpConnectionManagerSchema, {
    statPrefix,
    routeSpecifier: { case: "rds", value: { routeConfigName: routeName, configSource: ads } },
    httpFilters: [
      ...(policyName === undefined ? [] : [discoveredFilter(policyName)]),
      {
        name: "envoy.filters.http.router",
        configType: { case: "typedConfig", value: anyPack(RouterSchema, create(RouterSchema)) },
      },
    ],
  });
  const message = create(ListenerSchema, {
    name,
    address: { address: { case: "pipe", value: { path } } },
    filterChains: [
      {
        filters: [
          {
            name: "envoy.filters.network.http_connection_manager",
            configType: { case: "typedConfig", value: anyPack(HttpConnectionManagerSchema, manager) },
          },
        ],
      },
    ],
  });
  const needs: ResourceReference[] = [
    { type: "route", name: routeName },
    ...(policyName === undefined ? [] : [{ type: "extension-config" as const, name: policyName }]),
  ];
  return ["listener", resource(name, encode(ListenerSchema, message), needs)];
}

/** It isn't live before its configuration has come, however long that takes. */
function discoveredFilter(name: string) {
  const value = {
    configSource: { ...ads, initialFetchTimeout: { seconds: 0n, nanos: 0 } },
    typeUrls: [RBACSchema, FilterChainConfigSchema].map(({ typeName }) => `type.googleapis.com/${typeName}`),
  };
  return { name, configType: { case: "configDiscovery", value } } as const;
}

/** Allows or denies every request; a bad one is refused by Envoy. */
export function policy(name: string, does: "allow" | "deny" | "bad"): TypedResource {
  const anyone = { identifier: { case: "any" as const, value: true } };
  const nobody = {
    identifier: { case: "sourceIp" as const, value: { addressPrefix: "not an address", prefixLen: 32 } },
  };
  const rbac = typedConfig(RBACSchema, {
    rules: {
      action: does === "deny" ? RBAC_Action.DENY : RBAC_Action.ALLOW,
      policies: {
        all: {
          permissions: [{ rule: { case: "any", value: true } }],
          principals: [does === "bad" ? nobody : anyone],
        },
      },
    },
  });
  const { bytes } = encodePlain(TypedExtensionConfigSchema, { name, typedConfig: rbac });
  return ["extension-config", resource(name, bytes)];
}

/** All to one cluster; without a cluster a RouteConfiguration that matches nothing. */
export function routes(name: string, clusterName?: string): TypedResource {
  const action = {
    case: "route",
    value: { clusterSpecifier: { case: "cluster", value: clusterName ?? "" } },
  } as const;
  const match = { pathSpecifier: { case: "prefix", value: "/" } } as const;
  const message = create(RouteConfigurationSchema, {
    name,
    virtualHosts:
      clusterName === undefined ? [] : [{ name: "all", domains: ["*"], routes: [{ match, action }] }],
  });
  const needs: ResourceReference[] =
    clusterName === undefined ? [] : [{ type: "cluster", name: clusterName }];
  return ["route", resource(name, encode(RouteConfigurationSchema, message), needs)];
}

/** Of a message as builders write it; it needs what it refers to. */
export function builtResource<Schema extends DescMessage>(
  type: ResourceType,
  schema: Schema,
  message: Plain<Schema> & { readonly name?: string },
): TypedResource {
  const { bytes, references } = encodePlain(schema, message);
  return [type, resource(message.name ?? "", bytes, references)];
}

export function resource(
  name: string,
  bytes: Uint8Array,
  needs: readonly ResourceReference[] = [],
): Resource {
  const version = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
  return { name, version, body: [bytes.subarray(0, 3), bytes.subarray(3)], needs };
}

function encode<Schema extends DescMessage>(schema: Schema, message: MessageShape<Schema>): Uint8Array {
  return toBinary(schema, message);
}
