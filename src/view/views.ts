// All that connected proxies may see, as the inputs of builders: declared in order on the model's graph.

import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import type { Model } from "../model/model.ts";
import { rowKey } from "../model/sources.ts";
import { declareClientPlaces, type PlaceTables } from "./client-place.ts";
import {
  type ClientOptions,
  type ClientScopes,
  type ConnectedProxy,
  declareClientScopes,
} from "./client-scope.ts";
import type { EndpointInputs, OutboundClusterInputs } from "./cluster-inputs.ts";
import { declareSeveralProviders } from "./connection-providers.ts";
import { proxyFacets } from "./facets.ts";
import { declareGatewayViews, type GatewayView } from "./gateway/gateway-views.ts";
import { declareInboundViews, type InboundView } from "./inbound.ts";
import type { OutboundListenerInputs, VirtualOutboundInputs } from "./listener-inputs.ts";
import { declareNameTables, type NamedHosts } from "./name-tables.ts";
import { declareClusterEndpoints, declareOutboundClusters } from "./outbound-clusters.ts";
import { declareOutboundListeners } from "./outbound-listeners.ts";
import { declareOwnSides } from "./own-sides.ts";
import { declareOwnEndpoints, declarePlacedClusters, declarePlacedEndpoints } from "./placed-endpoints.ts";
import { declarePolicies, type Policies, policyFacet } from "./policies.ts";
import { declareProfiles, type Profile } from "./profile.ts";
import type { Scoped } from "./scoped-rows.ts";
import { distinct } from "./shared-rows.ts";
import { declareObservedListeners, declareTelemetryOverlays } from "./telemetry-overlays.ts";
import { declareVirtualHosts, type SidecarVirtualHosts } from "./virtual-hosts.ts";
import { declareVirtualOutbound } from "./virtual-outbound.ts";

export interface Views {
  readonly model: Model;
  readonly scopes: ClientScopes;
  /** Also in layers of places. */
  readonly clusters: Table<Scoped<OutboundClusterInputs>>;
  /** Also in layers of places. */
  readonly endpoints: Table<Scoped<EndpointInputs>>;
  readonly places: PlaceTables;
  /** Also in layers of sidecars that log or trace otherwise. */
  readonly listeners: Table<Scoped<OutboundListenerInputs>>;
  /** Also in layers of sidecars that log or trace otherwise. */
  readonly virtualOutbound: Table<Scoped<VirtualOutboundInputs>>;
  readonly virtualHosts: SidecarVirtualHosts;
  /** By the client scope's id, for those that capture DNS. */
  readonly nameTables: Table<NamedHosts>;
  /** By the view's id; the id of each sidecar is in `inboundOfProxy`. */
  readonly inbound: Table<InboundView>;
  readonly inboundOfProxy: Table<InboundView>;
  /** By the view's id; the id of each gateway's proxy is in `gatewayOfProxy`. */
  readonly gateways: Table<GatewayView>;
  readonly gatewayOfProxy: Table<GatewayView>;
  readonly policies: Policies;
  /** What each proxy is served, by the proxy's key. */
  readonly profiles: Table<Profile>;
}

/** `proxies` is written by whoever knows which are connected. */
export function declareViews(
  graph: Graph,
  model: Model,
  proxies: Table<ConnectedProxy>,
  options: ClientOptions = {},
): Views {
  const scopes = declareClientScopes(graph, model, proxies, options);
  const policies = declarePolicies({ graph, model, proxies });
  const askSeveral = declareSeveralProviders(graph, policies.AuthorizationPolicy);
  const sides = declareOwnSides(graph, model, { scopes, askSeveral });
  const inboundOfProxy = declareInboundViews(graph, model, sides);
  const gatewayOfProxy = declareGatewayViews(graph, model, { scopes, sides });
  const endpoints = declareClusterEndpoints(graph, model, scopes);
  const clusters = declareOutboundClusters(graph, model, scopes);
  const all = graph.union("all endpoints", [endpoints, declareOwnEndpoints(graph, clusters)]);
  const places = declareClientPlaces(graph, model, proxies, all);
  const secretReaderOfProxy = graph.derive<ConnectedProxy, true>({
    name: "proxies that may have Secrets",
    from: proxies,
    rows: (key, proxy, read) => (mayReadSecrets(proxy, model, read) ? [[key, true]] : []),
  });
  const telemetry = declareTelemetryOverlays(graph, model, proxies);
  const telemetryOfProxy = telemetry.ofProxy;
  const facts = { scopes, places, inboundOfProxy, gatewayOfProxy, secretReaderOfProxy, telemetryOfProxy };
  const profiles = declareProfiles(graph, proxies, [policyFacet(policies), ...proxyFacets(facts)]);
  const clients = { places: places.table, profiles: distinct(graph, "profiles", profiles) };
  const placedEndpoints = declarePlacedEndpoints(graph, endpoints, clients);
  const placedClusters = declarePlacedClusters(graph, clusters, clients);
  const observed = { overlays: telemetry.table, profiles: clients.profiles };
  const listeners = declareOutboundListeners(graph, model, scopes);
  const virtualOutbound = declareVirtualOutbound(graph, model);
  return {
    model,
    scopes,
    clusters: graph.union("clusters in all layers", [clusters, placedClusters]),
    endpoints: graph.union("endpoints in all layers", [endpoints, placedEndpoints]),
    places,
    listeners: graph.union("outbound listeners in all layers", [
      listeners,
      declareObservedListeners(graph, listeners, observed),
    ]),
    virtualOutbound: graph.union("virtualOutbound in all layers", [
      virtualOutbound,
      declareObservedListeners(graph, virtualOutbound, observed),
    ]),
    virtualHosts: declareVirtualHosts(graph, model, scopes),
    nameTables: declareNameTables(graph, model, scopes),
    inbound: distinct(graph, "inbound views", inboundOfProxy),
    inboundOfProxy,
    gateways: distinct(graph, "gateway views", gatewayOfProxy),
    gatewayOfProxy,
    policies,
    profiles,
  };
}

/** It is proven to be a pod, and the pod's ServiceAccount could read them itself. */
function mayReadSecrets({ namespace, pod }: ConnectedProxy, model: Model, read: Read): boolean {
  return (
    pod !== undefined && read.get(model.secretReaders, rowKey(namespace, pod.serviceAccount)) === "allowed"
  );
}
