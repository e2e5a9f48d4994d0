// Builds Envoy's bootstrap: who the proxy is, where its config and secrets come from, and the few static listeners that
// must answer before any config arrives. Pure, and without secrets: those come by SDS. It is JSON from the start, since
// the generated code of Bootstrap alone would cost every agent 20 MB; tests check it against that code.

import type { JsonObject } from "@bufbuild/protobuf";
import { ISTIO_PROXY_PORTS } from "../../core/proxy-ports.ts";
import { RECORDS_RUNTIME_KEY } from "../../core/telemetry-record.ts";
import type { BootstrapOptions, ControlPlaneAddress } from "./bootstrap-options.ts";
import { extension } from "./extension.ts";
import { buildNode } from "./proxy-node.ts";
import { markOption, pipeAddress } from "./socket-address.ts";
import { buildStaticClusters } from "./static-clusters.ts";
import { buildStaticListeners } from "./static-listeners.ts";
import { buildStatsConfig } from "./stats-config.ts";

/** envoy.config.bootstrap.v3.Bootstrap in protobuf's JSON form. */
export function buildBootstrap(options: BootstrapOptions): JsonObject {
  const { socketMark, hasDeferredStats = true } = options;
  return {
    node: buildNode(options.node),
    admin: { address: pipeAddress(options.sockets.admin, 0o600) },
    staticResources: {
      clusters: buildStaticClusters(options),
      listeners: buildStaticListeners({ ...options, ports: { ...ISTIO_PROXY_PORTS, ...options.ports } }),
    },
    dynamicResources: {
      ldsConfig: adsOnly,
      cdsConfig: adsOnly,
      adsConfig: adsConfigOf(options.controlPlane),
    },
    statsConfig: buildStatsConfig(options.stats ?? {}, options.histogramBuckets),
    ...(hasDeferredStats && { deferredStatOptions: { enableDeferredCreationStats: true } }),
    statsFlushInterval: "5s",
    layeredRuntime: buildRuntime(options.runtimeValues ?? {}),
    overloadManager,
    ...(socketMark !== undefined && {
      clusterManager: { upstreamBindConfig: { socketOptions: [markOption(socketMark)] } },
    }),
  };
}

/** As Envoy's `-c` takes it in a file named `….json`. */
export function encodeBootstrap(bootstrap: JsonObject): string {
  return `${JSON.stringify(bootstrap, undefined, 2)}\n`;
}

// Envoy waits for its config as long as it takes (0s): a proxy without it must not report ready.
const adsOnly = { ads: {}, initialFetchTimeout: "0s", resourceApiVersion: "V3" };

// Envoy's own limit is 30 s between tries: too long for one whose control plane is on the same machine, where at most
// some dozens come back at once.
function adsConfigOf({ kind }: ControlPlaneAddress): JsonObject {
  const retryBackOff =
    kind === "unix"
      ? { baseInterval: "0.1s", maxInterval: "1s" }
      : { baseInterval: "0.5s", maxInterval: "15s" };
  return {
    apiType: "DELTA_GRPC",
    transportApiVersion: "V3",
    setNodeOnFirstMessageOnly: true,
    grpcServices: [{ envoyGrpc: { clusterName: "xds-grpc", retryPolicy: { retryBackOff } } }],
  };
}

// Istio's proxies run with these, and users' configurations lean on them: fragments in paths are cut rather than
// refused, and endpoint updates aren't merged.
const istioRuntime = {
  "re2.max_program_size.error_level": 32768,
  "envoy.reloadable_features.http_reject_path_with_fragment": false,
  "envoy.reloadable_features.coalesce_lb_rebuilds_on_batch_update": false,
};

function buildRuntime(values: Readonly<Record<string, string>>): JsonObject {
  return {
    layers: [
      { name: "global config", staticLayer: { ...istioRuntime, [RECORDS_RUNTIME_KEY]: 100, ...values } },
      { name: "admin", adminLayer: {} },
    ],
  };
}

// Practically no limit, but a stated one: without any, Envoy warns at each start.
const MAX_DOWNSTREAM_CONNECTIONS = "2147483645";

const overloadManager = {
  resourceMonitors: [
    {
      name: "envoy.resource_monitors.global_downstream_max_connections",
      typedConfig: extension("resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig", {
        maxActiveDownstreamConnections: MAX_DOWNSTREAM_CONNECTIONS,
      }),
    },
  ],
};
