// A case calls one of Istio's validators with a part of an object. Here each such part becomes the whole object that a
// user would write around it, since objects are what Meltemi reads.

export interface ValidatorCall {
  readonly name: string;
  /** Where the value belongs in an object of the API. */
  readonly at: string;
  /** Of a call with a whole resource. */
  readonly kind?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly spec?: unknown;
  /** Of a call with a part of one. */
  readonly value?: unknown;
  readonly valueType?: string;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly valid: boolean;
  readonly warning?: string;
}

/** What a user would write; `unwritable` says why a user can't. */
export type WrittenCall =
  | { readonly kind: "object"; readonly object: Readonly<Record<string, unknown>> }
  | { readonly kind: "mesh-config"; readonly spec: unknown }
  | { readonly kind: "unwritable"; readonly why: string };

export function writeCall(call: ValidatorCall): WrittenCall {
  const { options = {}, metadata = {} } = call;
  const isGatewayApis =
    options.gatewaySemantics === true ||
    Object.keys((metadata.annotations as object | undefined) ?? {}).some((key) =>
      key.startsWith("internal.istio.io/"),
    );
  if (isGatewayApis) return unwritable("Istio makes it from an object of Gateway API, no user writes it");
  if (call.kind !== undefined) return writeResource(call, call.kind);
  if (call.value === null) return unwritable("it hands a validator nothing");
  const write = writers[call.at];
  if (write === undefined) throw new Error(`No writer for ${call.at}, which ${call.name} needs`);
  return write(expanded(call.value), options);
}

function writeResource({ metadata, spec, at, valueType }: ValidatorCall, kind: string): WrittenCall {
  if (kind !== at || (valueType !== undefined && valueType !== kind))
    return unwritable("it hands a validator a message of another kind");
  return object(kind, expanded(spec), metadata);
}

type Writer = (value: unknown, options: Readonly<Record<string, unknown>>) => WrittenCall;

const HOST = "foo.bar";
const DESTINATION = { destination: { host: HOST } };
const HTTPS_PORT = { number: 443, name: "https", protocol: "HTTPS" };

const writers: Readonly<Record<string, Writer>> = {
  "DestinationRule.spec.trafficPolicy": (trafficPolicy, { namespace }) =>
    destinationRule({ trafficPolicy }, namespace),
  "DestinationRule.spec.trafficPolicy.connectionPool": (connectionPool) => policy({ connectionPool }),
  "DestinationRule.spec.trafficPolicy.loadBalancer": (loadBalancer, { outlierDetection }) =>
    policy({ loadBalancer, outlierDetection }),
  "DestinationRule.spec.trafficPolicy.outlierDetection": (outlierDetection) => policy({ outlierDetection }),
  "DestinationRule.spec.trafficPolicy.tls": (tls, { namespace }) =>
    destinationRule({ trafficPolicy: { tls } }, namespace),
  "MeshConfig.localityLbSetting": (localityLbSetting, { outlierDetection }) =>
    policy({ loadBalancer: { localityLbSetting }, outlierDetection }),
  "MeshConfig.localityLbSetting localities (list)": (localities) =>
    policy({
      loadBalancer: { localityLbSetting: { distribute: distributions(localities) } },
      outlierDetection: {},
    }),
  "loadBalancer zone-aware setting": (zoneAwareLbSetting, { outlierDetection }) =>
    policy({ loadBalancer: { zoneAwareLbSetting }, outlierDetection }),

  "Gateway.spec.servers[]": (server) => gateway(server),
  "Gateway.spec.servers[].port": (port, { bind }) =>
    gateway({ port, hosts: ["*"], ...(bind === "" ? {} : { bind }) }),
  "Gateway.spec.servers[].tls": (tls) => gateway({ port: HTTPS_PORT, hosts: ["*"], tls }),
  "IP address": (bind) => gateway({ port: { ...HTTPS_PORT, protocol: "TCP" }, hosts: ["*"], bind }),

  "VirtualService.spec.http[]": (http, { delegate }) => virtualService({ http: [http] }, delegate === true),
  "VirtualService.spec.http[].corsPolicy": (corsPolicy) => httpRoute({ corsPolicy }),
  "VirtualService.spec.http[].directResponse": (directResponse) =>
    httpRoute({ directResponse, route: undefined }),
  "VirtualService.spec.http[].fault.abort": (abort) => httpRoute({ fault: { abort } }),
  "VirtualService.spec.http[].fault.abort.httpStatus": (httpStatus) =>
    httpRoute({ fault: { abort: { httpStatus, percentage: { value: 100 } } } }),
  "VirtualService.spec.http[].fault.delay": (delay) => httpRoute({ fault: { delay } }),
  "VirtualService.spec.http[].headers.request.set value": (value) =>
    httpRoute({ headers: { request: { set: { "x-name": value } } } }),
  "HTTP header name": (name) => httpRoute({ headers: { request: { set: { [String(name)]: "value" } } } }),
  "VirtualService.spec.http[].match[].headers key": (name) =>
    httpRoute({ match: [{ headers: { [String(name)]: { exact: "value" } } }] }),
  "VirtualService.spec.http[].redirect": (redirect, { matches }) =>
    httpRoute({ redirect, route: undefined, ...(matches === null ? {} : { match: matches }) }),
  "VirtualService.spec.http[].retries": (retries) => httpRoute({ retries }),
  "VirtualService.spec.http[].rewrite": (rewrite) => httpRoute({ rewrite }),
  "VirtualService.spec.http[].rewrite.uriRegexRewrite": (uriRegexRewrite) =>
    httpRoute({ rewrite: { uriRegexRewrite } }),
  "VirtualService.spec.http[].route[].destination": (destination) => httpRoute({ route: [{ destination }] }),
  "VirtualService.spec.tcp[].route": (route) => virtualService({ tcp: [{ route }] }),
  "VirtualService.spec.tls[].match[].sniHosts[]": (host, { sni }) =>
    virtualService({
      hosts: [host],
      gateways: ["edge/gateway"],
      ...(sni === true
        ? { tls: [{ match: [{ sniHosts: [host] }], route: [DESTINATION] }] }
        : { http: [{ route: [DESTINATION] }] }),
    }),
  "any protobuf duration": (timeout) => httpRoute({ timeout }),
  "host name": (host) => httpRoute({ route: [{ destination: { host } }] }),
  "host name with wildcard": (host) => object("DestinationRule", { host }),
  "IP or CIDR": (subnet) =>
    virtualService({ tcp: [{ match: [{ destinationSubnets: [subnet] }], route: [DESTINATION] }] }),
  "port number": (number) => httpRoute({ route: [{ destination: { host: HOST, port: { number } } }] }),

  "ServiceEntry.spec.ports[].name": (name) =>
    serviceEntry({ ports: [{ number: 80, name, protocol: "HTTP" }] }),
  "metadata namespace + spec.exportTo": writeExportTo,

  "Telemetry.spec.accessLogging[].filter": (filter) => object("Telemetry", { accessLogging: [{ filter }] }),

  MeshConfig: () => unwritable("it validates a part of the settings, without the defaults below a user's"),
  MeshNetworks: () => unwritable("several networks aren't there yet, and nothing reads this file"),
  "MeshConfig.connectTimeout": (connectTimeout) => meshConfig({ connectTimeout }),
  "MeshConfig.protocolDetectionTimeout": (protocolDetectionTimeout) =>
    meshConfig({ protocolDetectionTimeout }),
  "MeshConfig.trustDomain": (trustDomain) => meshConfig({ trustDomain }),
  "MeshConfig.serviceSettings": (value) => meshConfig(value),
  "MeshConfig.defaultConfig": (defaultConfig) => meshConfig({ defaultConfig }),
  "MeshConfig.defaultConfig.drainDuration": (drainDuration) =>
    meshConfig({ defaultConfig: { drainDuration } }),
  "MeshConfig.defaultConfig.connectionSettings": (connectionSettings) =>
    meshConfig({ defaultConfig: { connectionSettings } }),
  "MeshConfig.defaultConfig host:port address": (discoveryAddress) =>
    meshConfig({ defaultConfig: { discoveryAddress } }),
  "MeshConfig.extensionProviders[].*.service": (service) => provider("zipkin")({ service, port: 9411 }, {}),
  "MeshConfig.extensionProviders[].Datadog": provider("datadog"),
  "MeshConfig.extensionProviders[].EnvoyHTTPAls": provider("envoyHttpAls"),
  "MeshConfig.extensionProviders[].EnvoyOtelAls": provider("envoyOtelAls"),
  "MeshConfig.extensionProviders[].EnvoyTCPAls": provider("envoyTcpAls"),
  "MeshConfig.extensionProviders[].LightStep": provider("lightstep"),
  "MeshConfig.extensionProviders[].OpenCensusAgent": provider("opencensus"),
  "MeshConfig.extensionProviders[].Opentelemetry": provider("opentelemetry"),
  "MeshConfig.extensionProviders[].Zipkin": provider("zipkin"),
};

function writeExportTo(exportTo: unknown, options: Readonly<Record<string, unknown>>): WrittenCall {
  const metadata = { namespace: options.namespace };
  if (options.isServiceEntry === true) return serviceEntry({ exportTo }, metadata);
  const selected = { workloadSelector: { matchLabels: { app: "web" } } };
  const spec = { host: HOST, exportTo, ...(options.isDestinationRuleWithSelector === true ? selected : {}) };
  return object("DestinationRule", spec, metadata);
}

function distributions(localities: unknown): unknown {
  return (localities as string[]).map((from) => ({ from, to: { "a/b/c": 100 } }));
}

function policy(trafficPolicy: unknown): WrittenCall {
  return destinationRule({ trafficPolicy });
}

function destinationRule(spec: object, namespace?: unknown): WrittenCall {
  return object("DestinationRule", { host: HOST, ...spec }, { namespace: namespace || undefined });
}

function gateway(server: unknown): WrittenCall {
  return object("Gateway", { selector: { istio: "ingressgateway" }, servers: [server] });
}

function httpRoute(route: object): WrittenCall {
  return virtualService({ http: [{ route: [DESTINATION], ...route }] });
}

function virtualService(spec: object, isDelegate = false): WrittenCall {
  return object("VirtualService", isDelegate ? spec : { hosts: [HOST], ...spec });
}

function serviceEntry(spec: object, metadata: object = {}): WrittenCall {
  const ports = [{ number: 80, name: "http", protocol: "HTTP" }];
  return object("ServiceEntry", { hosts: [HOST], ports, resolution: "DNS", ...spec }, metadata);
}

function meshConfig(spec: unknown): WrittenCall {
  return { kind: "mesh-config", spec: withoutAbsent(spec) };
}

function provider(field: string): Writer {
  return (settings) => meshConfig({ extensionProviders: [{ name: "provider", [field]: settings }] });
}

const groups: Readonly<Record<string, string>> = {
  AuthorizationPolicy: "security.istio.io",
  PeerAuthentication: "security.istio.io",
  RequestAuthentication: "security.istio.io",
  Telemetry: "telemetry.istio.io",
  TrafficExtension: "extensions.istio.io",
  WasmPlugin: "extensions.istio.io",
};
const versions: Readonly<Record<string, string>> = {
  EnvoyFilter: "v1alpha3",
  ProxyConfig: "v1beta1",
  TrafficExtension: "v1alpha1",
  WasmPlugin: "v1alpha1",
};

function object(kind: string, spec: unknown, metadata: object = {}): WrittenCall {
  const apiVersion = `${groups[kind] ?? "networking.istio.io"}/${versions[kind] ?? "v1"}`;
  const named = { name: "case", namespace: "default", ...(withoutAbsent(metadata) as object) };
  return { kind: "object", object: { apiVersion, kind, metadata: named, spec: withoutAbsent(spec) } };
}

function unwritable(why: string): WrittenCall {
  return { kind: "unwritable", why };
}

/** As a user's file: what a validator gets as nil isn't written. */
function withoutAbsent(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutAbsent);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, each]) => each !== null && each !== undefined);
  return Object.fromEntries(entries.map(([key, each]) => [key, withoutAbsent(each)]));
}

/** Long strings are given as their repetition. */
function expanded(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(expanded);
  if (typeof value !== "object" || value === null) return value;
  const { $repeat } = value as { $repeat?: { text: string; count: number; suffix?: string } };
  if ($repeat !== undefined) return $repeat.text.repeat($repeat.count) + ($repeat.suffix ?? "");
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, expanded(each)]));
}
