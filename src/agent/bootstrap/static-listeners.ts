// The listeners that stand in the bootstrap: admin, health, metrics and probes, and the agent's way to the app.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AddressSchema } from "../../gen/envoy/config/core/v3/address_pb.ts";
import { HeaderValueOption_HeaderAppendAction } from "../../gen/envoy/config/core/v3/base_pb.ts";
import type { ListenerSchema } from "../../gen/envoy/config/listener/v3/listener_pb.ts";
import type { Route, RouteSchema } from "../../gen/envoy/config/route/v3/route_components_pb.ts";
import { HttpConnectionManager_ServerHeaderTransformation } from "../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { PEER_HEADER } from "../peer-header.ts";
import type { ProxyPorts, ProxySockets } from "./bootstrap.ts";
import { pipeAddress, socketAddress } from "./socket-address.ts";
import { ADMIN_CLUSTER, AGENT_CLUSTER, APP_CLUSTER } from "./static-clusters.ts";
import { bootstrapExtensions, packExtension } from "./typed-config.ts";

/** Begins the statistics of these listeners, to tell them from those that carry the pod's traffic. */
export const BOOTSTRAP_STAT_PREFIX = "bootstrap-";

type ListenerInit = MessageInitShape<typeof ListenerSchema>;
type RouteInit = Exclude<MessageInitShape<typeof RouteSchema>, Route>;

export function buildStaticListeners(sockets: ProxySockets, ports: ProxyPorts): ListenerInit[] {
  return [
    httpListener("admin", socketAddress("127.0.0.1", ports.admin), [routeTo(ADMIN_CLUSTER, prefix("/"))]),
    httpListener("agent", socketAddress("0.0.0.0", ports.agent), [
      { ...routeTo(AGENT_CLUSTER, prefix("/")), requestHeadersToAdd: [peerHeader] },
    ]),
    httpListener("health", socketAddress("0.0.0.0", ports.health), [
      routeTo(AGENT_CLUSTER, prefix("/healthz/ready")),
    ]),
    httpListener("envoy-stats", socketAddress("0.0.0.0", ports.envoyStats), [
      routeTo(ADMIN_CLUSTER, prefix("/stats/prometheus")),
    ]),
    httpListener("app", pipeAddress(sockets.app, 0o600), [connectRoute]),
  ];
}

// The agent sits behind a unix socket and can't see who calls; some of its paths are for the pod's own processes.
const peerHeader = {
  header: { key: PEER_HEADER, value: "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%" },
  appendAction: HeaderValueOption_HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
};

// CONNECT, rather than a bare TCP listener: its answer says whether the app's port took the connection.
const connectRoute: RouteInit = {
  match: { pathSpecifier: { case: "connectMatcher", value: {} } },
  action: {
    case: "route",
    value: {
      clusterSpecifier: { case: "cluster", value: APP_CLUSTER },
      upgradeConfigs: [{ upgradeType: "CONNECT", connectConfig: {} }],
      timeout: { seconds: 0n },
    },
  },
};

function prefix(path: string): NonNullable<RouteInit["match"]> {
  return { pathSpecifier: { case: "prefix", value: path } };
}

function routeTo(cluster: string, match: NonNullable<RouteInit["match"]>): RouteInit {
  const clusterSpecifier = { case: "cluster", value: cluster } as const;
  return { match, action: { case: "route", value: { clusterSpecifier, timeout: { seconds: 0n } } } };
}

function httpListener(
  name: string,
  address: MessageInitShape<typeof AddressSchema>,
  routes: readonly RouteInit[],
): ListenerInit {
  const router = packExtension(bootstrapExtensions.router, { suppressEnvoyHeaders: true });
  const routeConfig = { name, virtualHosts: [{ name, domains: ["*"], routes: [...routes] }] };
  const isApp = name === "app";
  const manager = packExtension(bootstrapExtensions.httpConnectionManager, {
    statPrefix: name,
    generateRequestId: false,
    serverHeaderTransformation: HttpConnectionManager_ServerHeaderTransformation.PASS_THROUGH,
    routeSpecifier: { case: "routeConfig", value: routeConfig },
    ...(isApp && { upgradeConfigs: [{ upgradeType: "CONNECT" }] }),
    httpFilters: [{ name: "envoy.filters.http.router", configType: { case: "typedConfig", value: router } }],
  });
  const filter = {
    name: "envoy.filters.network.http_connection_manager",
    configType: { case: "typedConfig", value: manager },
  } as const;
  return {
    name,
    statPrefix: `${BOOTSTRAP_STAT_PREFIX}${name}`,
    address,
    // Probes and metrics answer also when the proxy is full.
    ignoreGlobalConnLimit: true,
    filterChains: [{ filters: [filter] }],
  };
}
