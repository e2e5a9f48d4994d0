// The listeners that stand in the bootstrap: admin, health, metrics and probes, and the agent's way to the app.

import { isIP } from "node:net";
import type { JsonObject } from "@bufbuild/protobuf";
import { type IpFamilies, loopbacksOf, wildcardsOf } from "../../core/ip-families.ts";
import type { ProxyPorts } from "../../core/proxy-ports.ts";
import { PEER_HEADER } from "../peer-header.ts";
import { PROXY_METRICS_PATH } from "../proxy-metrics-path.ts";
import type { ProxySockets } from "./bootstrap-options.ts";
import { extension } from "./extension.ts";
import type { ProxyNode } from "./proxy-node.ts";
import { listeningOn, pipeAddress } from "./socket-address.ts";
import { ADMIN_CLUSTER, AGENT_CLUSTER, APP_CLUSTER } from "./static-clusters.ts";

/** Begins the statistics of these listeners, to tell them from those that carry the pod's traffic. */
export const BOOTSTRAP_STAT_PREFIX = "bootstrap-";

interface StaticListeners {
  readonly node: ProxyNode;
  readonly sockets: ProxySockets;
  readonly ports: ProxyPorts;
  readonly families?: IpFamilies;
}

export function buildStaticListeners(options: StaticListeners): JsonObject[] {
  const { node, sockets, ports, families = "ipv4" } = options;
  const local = loopbacksOf(families);
  const every = ownAddresses(node, families);
  const toAgent = { ...routeTo(AGENT_CLUSTER, "/"), requestHeadersToAdd: [peerHeader] };
  return [
    httpListener("admin", listeningOn(local, ports.admin), routeTo(ADMIN_CLUSTER, "/")),
    httpListener("agent", listeningOn(every, ports.agent), toAgent),
    httpListener("health", listeningOn(every, ports.health), routeTo(AGENT_CLUSTER, "/healthz/ready")),
    httpListener(
      "envoy-stats",
      listeningOn(every, ports.envoyStats),
      routeTo(AGENT_CLUSTER, "/stats/prometheus", PROXY_METRICS_PATH),
    ),
    httpListener("app", { address: pipeAddress(sockets.app, 0o600) }, connectRoute, {
      upgradeConfigs: [connectUpgrade],
    }),
  ];
}

// By its own addresses rather than the wildcard: virtualOutbound hands a connection to the listener of its original
// destination, and one on every address would take what the pod calls on other pods' ports of these numbers.
function ownAddresses({ metadata }: ProxyNode, families: IpFamilies): readonly [string, ...string[]] {
  const { INSTANCE_IPS } = metadata;
  const addresses = typeof INSTANCE_IPS === "string" ? INSTANCE_IPS.split(",") : [];
  const ofPod = addresses.map((address) => address.trim()).filter((address) => isOf(families, address));
  const [first, ...more] = [...new Set([...ofPod, ...loopbacksOf(families)])];
  // Of a proxy that doesn't know its address nothing is known but that it listens.
  return first === undefined || ofPod.length === 0 ? wildcardsOf(families) : [first, ...more];
}

function isOf(families: IpFamilies, address: string): boolean {
  const family = isIP(address);
  return (family === 4 && families !== "ipv6") || (family === 6 && families !== "ipv4");
}

// The agent sits behind a unix socket and can't see who calls; some of its paths are for the pod's own processes.
const peerHeader = {
  header: { key: PEER_HEADER, value: "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%" },
  appendAction: "OVERWRITE_IF_EXISTS_OR_ADD",
};

const connectUpgrade = { upgradeType: "CONNECT" };

// CONNECT, rather than a bare TCP listener: its answer says whether the app's port took the connection.
const connectRoute = {
  match: { connectMatcher: {} },
  route: { cluster: APP_CLUSTER, upgradeConfigs: [{ ...connectUpgrade, connectConfig: {} }], timeout: "0s" },
};

function routeTo(cluster: string, prefix: string, prefixRewrite = prefix): JsonObject {
  const rewrite = prefixRewrite === prefix ? {} : { prefixRewrite };
  return { match: { prefix }, route: { cluster, timeout: "0s", ...rewrite } };
}

function httpListener(
  name: string,
  listening: JsonObject,
  route: JsonObject,
  more: JsonObject = {},
): JsonObject {
  const router = extension("filters.http.router.v3.Router", { suppressEnvoyHeaders: true });
  const type = "filters.network.http_connection_manager.v3.HttpConnectionManager";
  const manager = extension(type, {
    statPrefix: name,
    generateRequestId: false,
    serverHeaderTransformation: "PASS_THROUGH",
    routeConfig: { name, virtualHosts: [{ name, domains: ["*"], routes: [route] }] },
    httpFilters: [{ name: "envoy.filters.http.router", typedConfig: router }],
    ...more,
  });
  return {
    name,
    statPrefix: `${BOOTSTRAP_STAT_PREFIX}${name}`,
    ...listening,
    // Probes and metrics answer also when the proxy is full.
    ignoreGlobalConnLimit: true,
    filterChains: [
      { filters: [{ name: "envoy.filters.network.http_connection_manager", typedConfig: manager }] },
    ],
  };
}
