// Envoy's /config_dump as JSON: the few fields that the tables read, and the ways to its sections.
// Fields are Envoy's own names; all may be missing.

export interface ConfigDump {
  readonly configs?: readonly Section[];
}

interface Section {
  readonly "@type"?: string;
  readonly [field: string]: unknown;
}

export interface EnvoyMetadata {
  readonly filter_metadata?: {
    readonly istio?: { readonly config?: string };
    /** Such as `VirtualService/shop/web spec.http[0], Service/shop/web`. */
    readonly meltemi?: { readonly from?: string };
  };
}

export interface DumpedCluster {
  readonly name?: string;
  readonly type?: string;
  readonly metadata?: EnvoyMetadata;
}

export interface DumpedListener {
  readonly name?: string;
  readonly address?: DumpedAddress;
  readonly additional_addresses?: readonly { readonly address?: DumpedAddress }[];
  readonly filter_chains?: readonly DumpedFilterChain[];
  readonly default_filter_chain?: DumpedFilterChain;
}

export interface DumpedAddress {
  readonly socket_address?: { readonly address?: string; readonly port_value?: number };
  readonly pipe?: { readonly path?: string };
  readonly envoy_internal_address?: { readonly server_listener_name?: string; readonly endpoint_id?: string };
}

export interface DumpedFilterChain {
  readonly name?: string;
  readonly filter_chain_match?: {
    readonly server_names?: readonly string[];
    readonly transport_protocol?: string;
    readonly application_protocols?: readonly string[];
    readonly destination_port?: number;
    readonly prefix_ranges?: readonly { readonly address_prefix?: string; readonly prefix_len?: number }[];
  };
  readonly filters?: readonly { readonly name?: string; readonly typed_config?: DumpedFilter }[];
}

export interface DumpedFilter {
  readonly "@type"?: string;
  readonly cluster?: string;
  readonly weighted_clusters?: {
    readonly clusters?: readonly { readonly name?: string; readonly weight?: number }[];
  };
  readonly rds?: { readonly route_config_name?: string };
  readonly route_config?: DumpedRouteConfiguration;
}

export interface DumpedRouteConfiguration {
  readonly name?: string;
  readonly virtual_hosts?: readonly DumpedVirtualHost[];
}

export interface DumpedVirtualHost {
  readonly name?: string;
  readonly domains?: readonly string[];
  readonly routes?: readonly DumpedRoute[];
}

export interface DumpedRoute {
  readonly name?: string;
  readonly match?: {
    readonly prefix?: string;
    readonly path?: string;
    readonly path_separated_prefix?: string;
    readonly safe_regex?: { readonly regex?: string };
    readonly headers?: readonly { readonly name?: string }[];
  };
  readonly metadata?: EnvoyMetadata;
}

export interface DumpedSecret {
  readonly name?: string;
  readonly secret?: {
    readonly tls_certificate?: { readonly certificate_chain?: DumpedData };
    readonly validation_context?: { readonly trusted_ca?: DumpedData };
  };
}

interface DumpedData {
  /** Base64 of PEM. Private keys are `[redacted]` by Envoy itself. */
  readonly inline_bytes?: string;
  readonly inline_string?: string;
}

export function clustersOf(dump: ConfigDump): DumpedCluster[] {
  const section = sectionOf(dump, "ClustersConfigDump");
  return [
    ...inner<DumpedCluster>(section, "static_clusters", "cluster"),
    ...inner<DumpedCluster>(section, "dynamic_active_clusters", "cluster"),
  ];
}

export function listenersOf(dump: ConfigDump): DumpedListener[] {
  const section = sectionOf(dump, "ListenersConfigDump");
  const dynamic = inner<{ listener?: DumpedListener }>(section, "dynamic_listeners", "active_state");
  return [
    ...inner<DumpedListener>(section, "static_listeners", "listener"),
    ...dynamic.flatMap(({ listener }) => (listener === undefined ? [] : [listener])),
  ];
}

export function routesOf(dump: ConfigDump): DumpedRouteConfiguration[] {
  const section = sectionOf(dump, "RoutesConfigDump");
  return [
    ...inner<DumpedRouteConfiguration>(section, "static_route_configs", "route_config"),
    ...inner<DumpedRouteConfiguration>(section, "dynamic_route_configs", "route_config"),
  ];
}

export interface SecretState {
  readonly state: "ACTIVE" | "WARMING";
  readonly secret: DumpedSecret;
}

export function secretsOf(dump: ConfigDump): SecretState[] {
  const section = sectionOf(dump, "SecretsConfigDump");
  const listed = (field: string) => (section?.[field] ?? []) as readonly DumpedSecret[];
  return [
    ...["static_secrets", "dynamic_active_secrets"]
      .flatMap(listed)
      .map((secret) => ({ state: "ACTIVE", secret }) as const),
    ...listed("dynamic_warming_secrets").map((secret) => ({ state: "WARMING", secret }) as const),
  ];
}

export function bootstrapOf(dump: ConfigDump): unknown {
  return sectionOf(dump, "BootstrapConfigDump")?.bootstrap;
}

/** Who made a piece of config: `reviews.shop`, of the kind given. */
export function makerOf(metadata: EnvoyMetadata | undefined, kind: string): string | undefined {
  const found = metadata?.filter_metadata;
  const [from] = (found?.meltemi?.from ?? "").split(", ").filter((source) => source.startsWith(`${kind}/`));
  const [, namespace, name] = from?.split(/[/ ]/) ?? [];
  if (name !== undefined) return `${name}.${namespace}`;
  const path = /\/namespaces\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(found?.istio?.config ?? "");
  const isKind = path?.[2]?.replaceAll("-", "") === kind.toLowerCase();
  return isKind ? `${path?.[3]}.${path?.[1]}` : undefined;
}

function sectionOf({ configs }: ConfigDump, message: string): Section | undefined {
  return configs?.find((section) => section["@type"]?.endsWith(`.${message}`));
}

function inner<T>(section: Section | undefined, list: string, field: string): T[] {
  const entries = (section?.[list] ?? []) as readonly Readonly<Record<string, T | undefined>>[];
  return entries.flatMap((entry) => entry[field] ?? []);
}
