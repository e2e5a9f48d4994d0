// Which part of the generated Envoy configuration an EnvoyFilter's patch is for.

import type { TypeOf } from "../schema.ts";
import { choice, map, message, text, uint32 } from "../schema.ts";

/** `EnvoyFilter.ProxyMatch` */
export const proxyMatch = message({ proxyVersion: text(), metadata: map(text()) });

/** `EnvoyFilter.ListenerMatch.FilterMatch`, and WaypointMatch's of the same form. */
export const filterMatch = message({ name: text(), subFilter: message({ name: text() }) });

/** `EnvoyFilter.ListenerMatch.FilterChainMatch` */
export const filterChainMatch = message({
  name: text(),
  sni: text(),
  transportProtocol: text(),
  applicationProtocols: text(),
  filter: filterMatch,
  destinationPort: uint32(),
  transportSocket: text(),
});

/** `EnvoyFilter.ListenerMatch` */
export const listenerMatch = message({
  portNumber: uint32(),
  portName: text(), // deprecated
  filterChain: filterChainMatch,
  listenerFilter: text(),
  name: text(),
});

/** `EnvoyFilter.RouteConfigurationMatch.VirtualHostMatch` */
export const virtualHostMatch = message({
  name: text(),
  domainName: text(),
  route: message({ name: text(), action: choice("ANY", "ROUTE", "REDIRECT", "DIRECT_RESPONSE") }),
});

/** `EnvoyFilter.RouteConfigurationMatch` */
export const routeConfigurationMatch = message({
  portNumber: uint32(),
  portName: text(),
  gateway: text(),
  vhost: virtualHostMatch,
  name: text(),
});

/** `EnvoyFilter.ClusterMatch` */
export const clusterMatch = message({ portNumber: uint32(), service: text(), subset: text(), name: text() });

/** `EnvoyFilter.WaypointMatch` */
export const waypointMatch = message({
  portNumber: uint32(),
  route: message({ name: text() }),
  filter: filterMatch,
});

/** `EnvoyFilter.EnvoyConfigObjectMatch` */
export const configurationMatch = message(
  {
    context: choice("ANY", "SIDECAR_INBOUND", "SIDECAR_OUTBOUND", "GATEWAY", "WAYPOINT"),
    proxy: proxyMatch,
    listener: listenerMatch,
    routeConfiguration: routeConfigurationMatch,
    cluster: clusterMatch,
    waypoint: waypointMatch,
  },
  { oneofs: [["listener", "routeConfiguration", "cluster", "waypoint"]] },
);

export type ConfigurationMatch = TypeOf<typeof configurationMatch>;
