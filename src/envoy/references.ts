// What messages refer to: the one list of the places where Envoy's configuration names clusters, endpoints, secrets,
// route configurations and extension configurations. References to what an xDS stream doesn't serve aren't any.

/** Types as src/xds calls them. */
export interface Reference {
  readonly type: "cluster" | "endpoint" | "secret" | "route" | "extension-config";
  readonly name: string;
}

type Values = Readonly<Record<string, unknown>>;

/** What a message refers to by fields of its own; the messages in it are asked for themselves. */
export type ReferenceReader = (message: Values) => Reference | undefined;

/** By the names of message types, which include those of files that nothing of ours writes yet. */
export const referenceReaders: ReadonlyMap<string, ReferenceReader> = new Map<string, ReferenceReader>([
  ["envoy.config.cluster.v3.Cluster", ofCluster],
  ["envoy.config.core.v3.GrpcService.EnvoyGrpc", clusterIn("clusterName")],
  ["envoy.config.core.v3.HttpUri", clusterChosenIn("httpUpstreamType")],
  ["envoy.config.listener.v3.Filter", extensionConfig],
  ["envoy.config.listener.v3.ListenerFilter", extensionConfig],
  ["envoy.config.trace.v3.DatadogConfig", clusterIn("collectorCluster")],
  ["envoy.config.trace.v3.ZipkinConfig", clusterIn("collectorCluster")],
  ["envoy.config.route.v3.RouteAction", clusterChosenIn("clusterSpecifier")],
  ["envoy.config.route.v3.RouteAction.RequestMirrorPolicy", clusterIn("cluster")],
  ["envoy.config.route.v3.WeightedCluster.ClusterWeight", clusterIn("name")],
  ["envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter", extensionConfig],
  ["envoy.extensions.filters.network.http_connection_manager.v3.Rds", routeConfiguration],
  ["envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy", clusterChosenIn("clusterSpecifier")],
  ["envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.WeightedCluster.ClusterWeight", clusterIn("name")],
  ["envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig", secret],
]);

function clusterIn(field: string): ReferenceReader {
  return (message) => named("cluster", message[field]);
}

function clusterChosenIn(group: string): ReferenceReader {
  return (message) => named("cluster", memberOf(message, group, "cluster"));
}

function ofCluster({ name, edsClusterConfig }: Values): Reference | undefined {
  if (edsClusterConfig === undefined) return undefined;
  const { serviceName, edsConfig } = edsClusterConfig as Values;
  // Without a name of its own the service is called as the cluster is.
  return isServed(edsConfig) ? named("endpoint", serviceName || name) : undefined;
}

function routeConfiguration({ routeConfigName, configSource }: Values): Reference | undefined {
  return isServed(configSource) ? named("route", routeConfigName) : undefined;
}

/** One without a source is in the bootstrap. */
function secret({ name, sdsConfig }: Values): Reference | undefined {
  return isServed(sdsConfig) ? named("secret", name) : undefined;
}

function extensionConfig(message: Values): Reference | undefined {
  const discovery = memberOf(message, "configType", "configDiscovery") as Values | undefined;
  return isServed(discovery?.configSource) ? named("extension-config", message.name) : undefined;
}

/** Over the stream that the resource itself came by. */
function isServed(source: unknown): boolean {
  return source !== undefined && memberOf(source as Values, "configSourceSpecifier", "ads") !== undefined;
}

function memberOf(message: Values, group: string, member: string): unknown {
  const { case: chosen, value } = (message[group] ?? {}) as {
    readonly case?: string;
    readonly value?: unknown;
  };
  return chosen === member ? value : undefined;
}

function named(type: Reference["type"], name: unknown): Reference | undefined {
  return typeof name === "string" && name !== "" ? { type, name } : undefined;
}
