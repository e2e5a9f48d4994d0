// The xDS types that are served, in the order in which additions go out, and what the order must know of each.

/** In the order of additions: what is needed comes before what needs it. */
export const resourceTypes = [
  "cluster",
  "endpoint",
  "secret",
  "runtime",
  "extension-config",
  "listener",
  "scoped-route",
  "route",
  "virtual-host",
  "name-table",
] as const;

export type ResourceType = (typeof resourceTypes)[number];

const urls: Readonly<Record<ResourceType, string>> = {
  cluster: "type.googleapis.com/envoy.config.cluster.v3.Cluster",
  endpoint: "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
  secret: "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
  runtime: "type.googleapis.com/envoy.service.runtime.v3.Runtime",
  "extension-config": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
  listener: "type.googleapis.com/envoy.config.listener.v3.Listener",
  "scoped-route": "type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration",
  route: "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
  "virtual-host": "type.googleapis.com/envoy.config.route.v3.VirtualHost",
  // Istio's, for the agent that answers a pod's DNS.
  "name-table": "type.googleapis.com/istio.networking.nds.v1.NameTable",
};

const typesByUrl: ReadonlyMap<string, ResourceType> = new Map(
  resourceTypes.map((type) => [urls[type], type] as const),
);

export function typeUrlOf(type: ResourceType): string {
  return urls[type];
}

export function resourceTypeOf(typeUrl: string): ResourceType | undefined {
  return typesByUrl.get(typeUrl);
}

export interface ResourceTypeRules {
  /**
   * What is done about a resource that the client holds and its set has no more. `remove`: the client is told, after
   * whatever needed it has gone. `keep`: the client lets go of it by unsubscribing; an Envoy that is told that a
   * RouteConfiguration is gone would stay INITIALIZING for ever.
   */
  readonly whenGone: "remove" | "keep";
  /** Whether it waits (for a while) until the new clusters that it needs are warm. */
  readonly waitsForClusters: boolean;
  /** The types whose older versions may still need it. */
  readonly dependants: readonly ResourceType[];
  /** What may have been the cause of a refusal, such as a listener that holds the address of another. */
  readonly refusedBecauseOf: readonly ResourceType[];
  /** State of the world: whether each response must hold every resource ("Grouping Resources into Responses"). */
  readonly isFullState: boolean;
  /**
   * Whether each response holds one resource only, and its last good version is sent again at once when it is refused.
   * Envoy doesn't say which of several it refuses, and refuses each later listener that refers to a refused one.
   */
  readonly isRestored: boolean;
}

const routing: readonly ResourceType[] = [
  "listener",
  "extension-config",
  "scoped-route",
  "route",
  "virtual-host",
];

const rules: Readonly<Record<ResourceType, ResourceTypeRules>> = {
  cluster: {
    whenGone: "remove",
    waitsForClusters: false,
    dependants: routing,
    refusedBecauseOf: ["cluster"],
    isFullState: true,
    isRestored: false,
  },
  endpoint: {
    whenGone: "remove",
    waitsForClusters: false,
    dependants: ["cluster"],
    refusedBecauseOf: [],
    isFullState: false,
    isRestored: false,
  },
  secret: {
    whenGone: "keep",
    waitsForClusters: false,
    dependants: [],
    refusedBecauseOf: [],
    isFullState: false,
    isRestored: false,
  },
  runtime: {
    whenGone: "remove",
    waitsForClusters: false,
    dependants: [],
    refusedBecauseOf: [],
    isFullState: false,
    isRestored: false,
  },
  "extension-config": {
    whenGone: "keep",
    waitsForClusters: true,
    dependants: ["listener"],
    refusedBecauseOf: [],
    isFullState: false,
    isRestored: true,
  },
  listener: {
    whenGone: "remove",
    waitsForClusters: true,
    dependants: [],
    refusedBecauseOf: ["listener", "extension-config"],
    isFullState: true,
    isRestored: false,
  },
  "scoped-route": {
    whenGone: "remove",
    waitsForClusters: true,
    dependants: ["listener"],
    refusedBecauseOf: [],
    isFullState: false,
    isRestored: false,
  },
  route: {
    whenGone: "keep",
    waitsForClusters: true,
    dependants: ["listener", "scoped-route"],
    refusedBecauseOf: [],
    isFullState: false,
    isRestored: false,
  },
  "virtual-host": {
    whenGone: "remove",
    waitsForClusters: true,
    dependants: [],
    refusedBecauseOf: [],
    isFullState: false,
    isRestored: false,
  },
  "name-table": {
    whenGone: "remove",
    waitsForClusters: false,
    dependants: [],
    refusedBecauseOf: [],
    isFullState: true,
    isRestored: false,
  },
};

export function rulesOf(type: ResourceType): ResourceTypeRules {
  return rules[type];
}
