// Builds Envoy's bootstrap: who the proxy is, where its config and secrets come from, and the few static listeners that
// must answer before any config arrives. Pure, and without secrets: those come by SDS.

import type { JsonObject } from "@bufbuild/protobuf";
import { create, toJsonString } from "@bufbuild/protobuf";
import type { Bootstrap } from "../../gen/envoy/config/bootstrap/v3/bootstrap_pb.ts";
import { BootstrapSchema } from "../../gen/envoy/config/bootstrap/v3/bootstrap_pb.ts";
import { ApiConfigSource_ApiType, ApiVersion } from "../../gen/envoy/config/core/v3/config_source_pb.ts";
import type { ProxyNode } from "./proxy-node.ts";
import { buildNode } from "./proxy-node.ts";
import { markOption, pipeAddress } from "./socket-address.ts";
import { buildStaticClusters } from "./static-clusters.ts";
import { buildStaticListeners } from "./static-listeners.ts";
import type { StatsSelection } from "./stats-config.ts";
import { buildStatsConfig } from "./stats-config.ts";
import { bootstrapExtensions, bootstrapRegistry, packExtension } from "./typed-config.ts";

export interface BootstrapOptions {
  readonly node: ProxyNode;
  readonly controlPlane: ControlPlaneAddress;
  readonly sockets: ProxySockets;
  readonly ports?: Partial<ProxyPorts>;
  readonly stats?: StatsSelection;
  /** ProxyConfig.runtimeValues: they win over the defaults. */
  readonly runtimeValues?: Readonly<Record<string, string>>;
  /** SO_MARK on all that Envoy sends, where capture can't tell the proxy by its user id. */
  readonly socketMark?: number;
}

export type ControlPlaneAddress = (
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
) & {
  /** The DNS name that the control plane's certificate must carry. Without it the stream is plaintext. */
  readonly tlsServerName?: string;
};

/** Paths of unix sockets, each at most 107 bytes. */
export interface ProxySockets {
  /** The agent's SDS server. */
  readonly sds: string;
  /** The agent's status server. */
  readonly agent: string;
  /** Envoy's admin interface. */
  readonly admin: string;
  /** Takes CONNECT for any port of the pod and dials it from 127.0.0.6, past inbound capture. */
  readonly app: string;
}

export interface ProxyPorts {
  readonly admin: number;
  readonly agent: number;
  readonly health: number;
  readonly envoyStats: number;
}

const istioPorts: ProxyPorts = { admin: 15000, agent: 15020, health: 15021, envoyStats: 15090 };

export function buildBootstrap(options: BootstrapOptions): Bootstrap {
  const { sockets, socketMark } = options;
  const adsOnly = {
    configSourceSpecifier: { case: "ads", value: {} },
    // Envoy waits as long as it takes: a proxy without its config must not report ready.
    initialFetchTimeout: { seconds: 0n },
    resourceApiVersion: ApiVersion.V3,
  } as const;
  return create(BootstrapSchema, {
    node: buildNode(options.node),
    admin: { address: pipeAddress(sockets.admin, 0o600) },
    staticResources: {
      clusters: buildStaticClusters(options),
      listeners: buildStaticListeners(sockets, { ...istioPorts, ...options.ports }),
    },
    dynamicResources: { ldsConfig: adsOnly, cdsConfig: adsOnly, adsConfig: buildAdsConfig() },
    statsConfig: buildStatsConfig(options.stats ?? {}),
    statsFlushInterval: { seconds: 5n },
    layeredRuntime: buildRuntime(options.runtimeValues ?? {}),
    overloadManager: buildOverloadManager(),
    ...(socketMark !== undefined && {
      clusterManager: { upstreamBindConfig: { socketOptions: [markOption(socketMark)] } },
    }),
  });
}

/** As Envoy's `-c` takes it in a file named `….json`. */
export function encodeBootstrap(bootstrap: Bootstrap): string {
  return toJsonString(BootstrapSchema, bootstrap, { registry: bootstrapRegistry, prettySpaces: 2 });
}

function buildAdsConfig() {
  return {
    apiType: ApiConfigSource_ApiType.DELTA_GRPC,
    transportApiVersion: ApiVersion.V3,
    setNodeOnFirstMessageOnly: true,
    grpcServices: [{ targetSpecifier: { case: "envoyGrpc", value: { clusterName: "xds-grpc" } } as const }],
  };
}

// Istio's proxies run with these, and users' configurations lean on them: fragments in paths are cut rather than
// refused, and endpoint updates aren't merged.
const istioRuntime: JsonObject = {
  "re2.max_program_size.error_level": 32768,
  "envoy.reloadable_features.http_reject_path_with_fragment": false,
  "envoy.reloadable_features.coalesce_lb_rebuilds_on_batch_update": false,
};

function buildRuntime(values: Readonly<Record<string, string>>) {
  const staticLayer = { ...istioRuntime, ...values };
  return {
    layers: [
      { name: "global config", layerSpecifier: { case: "staticLayer", value: staticLayer } as const },
      { name: "admin", layerSpecifier: { case: "adminLayer", value: {} } as const },
    ],
  };
}

// Practically no limit, but a stated one: without any, Envoy warns at each start.
const MAX_DOWNSTREAM_CONNECTIONS = 2_147_483_645n;

function buildOverloadManager() {
  const value = { maxActiveDownstreamConnections: MAX_DOWNSTREAM_CONNECTIONS };
  const typedConfig = packExtension(bootstrapExtensions.downstreamConnections, value);
  const name = "envoy.resource_monitors.global_downstream_max_connections";
  return { resourceMonitors: [{ name, configType: { case: "typedConfig", value: typedConfig } as const }] };
}
