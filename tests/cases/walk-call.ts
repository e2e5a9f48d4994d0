// Walks one call through a proxy's configuration as Envoy would: listener, filter chain, virtual host, route, cluster. It looks at
// what Istio's cases look at and no more: of a route's match at the path alone, unless the call says more, and at no endpoint.

import { matchesRequest, type RequestFields } from "./match-request.ts";

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [field: string]: JsonValue | undefined;
}

export interface ProxyConfig {
  readonly listeners: readonly JsonObject[];
  readonly routes: readonly JsonObject[];
  readonly clusters: readonly JsonObject[];
  readonly endpoints: readonly JsonObject[];
}

export interface Call {
  readonly address: string;
  readonly port: number;
  readonly path: string;
  readonly protocol: "http" | "http2" | "tcp";
  readonly tls: "plaintext" | "tls" | "mtls";
  readonly alpn?: string;
  readonly sni?: string;
  readonly hostHeader?: string;
  readonly callMode: "outbound" | "inbound" | "gateway";
  /** The name of the secret by which a chain is known to want the mesh's own certificates. */
  readonly mtlsSecretConfigName?: string;
  /** What else routes may match. */
  readonly fields?: RequestFields;
}

export interface Outcome {
  readonly error?: string;
  readonly listenerMatched?: string;
  readonly filterChainMatched?: string;
  readonly routeConfigMatched?: string;
  readonly virtualHostMatched?: string;
  readonly routeMatched?: string;
  readonly clusterMatched?: string;
}

export function walkCall(config: ProxyConfig, call: Call): Outcome {
  const listener = matchListener(config.listeners, call);
  if (listener === undefined) return { error: "no listener matched" };
  const connection = inspected(listener, call);
  const chain = matchChain(listener, connection);
  const reached = { listenerMatched: text(listener.name) };
  if (typeof chain === "string") return { ...reached, error: chain };
  return { ...reached, ...walkChain(config, chain, connection) };
}

function matchListener(listeners: readonly JsonObject[], { callMode, address, port }: Call) {
  if (callMode === "inbound") return listeners.find(({ name }) => name === "virtualInbound");
  const at = (ip: string) => listeners.find((listener) => addressesOf(listener).includes(`${ip} ${port}`));
  return at(address) ?? at("0.0.0.0") ?? listeners.find(({ name }) => name === "virtualOutbound");
}

function addressesOf(listener: JsonObject): readonly string[] {
  const all = [listener, ...objects(listener.additionalAddresses)];
  return all.map((each) => {
    const socket = object(object(each.address).socketAddress);
    return socket.protocol === "UDP" ? "" : `${text(socket.address)} ${socket.portValue ?? 0}`;
  });
}

/** What the listener filters find out of a connection; without them neither TLS nor ALPN is seen. */
interface Connection extends Call {
  readonly transport: "tls" | "raw_buffer";
}

function inspected(listener: JsonObject, call: Call): Connection {
  const has = (name: string) =>
    objects(listener.listenerFilters).some(
      (filter) => filter.name === name && !matchesPort(object(filter.filterDisabled), call.port),
    );
  const seesTls = has("envoy.filters.listener.tls_inspector");
  const isPlain = call.tls === "plaintext";
  const sniffed = { http: "http/1.1", http2: "h2c", tcp: "" }[call.protocol];
  const alpn = has("envoy.filters.listener.http_inspector") && isPlain ? sniffed : undefined;
  return {
    ...call,
    alpn: alpn ?? (seesTls ? (call.alpn ?? "") : ""),
    // Some of Istio's cases give a plaintext call a server name.
    sni: seesTls ? (call.sni ?? "") : "",
    transport: seesTls && !isPlain ? "tls" : "raw_buffer",
  };
}

/** A ListenerFilterChainMatchPredicate. */
function matchesPort(predicate: JsonObject, port: number): boolean {
  if (predicate.anyMatch === true) return true;
  if (predicate.orMatch !== undefined)
    return objects(object(predicate.orMatch).rules).some((rule) => matchesPort(rule, port));
  if (predicate.andMatch !== undefined)
    return objects(object(predicate.andMatch).rules).every((rule) => matchesPort(rule, port));
  if (predicate.notMatch !== undefined) return !matchesPort(object(predicate.notMatch), port);
  if (predicate.destinationPortRange === undefined) return false;
  const { start = 0, end = 0 } = object(predicate.destinationPortRange);
  return port >= Number(start) && port < Number(end);
}

/** In Envoy's order; each step keeps the chains that fit best, and never goes back. An error is a text. */
function matchChain(listener: JsonObject, connection: Connection): JsonObject | string {
  let chains = objects(listener.filterChains);
  for (const fit of chainFits) {
    const fits = chains.map((chain) => fit(object(chain.filterChainMatch), connection));
    const best = Math.max(...fits);
    chains = best < 0 ? [] : chains.filter((_, index) => fits[index] === best);
  }
  const [chain, second] = chains;
  if (second !== undefined) return "multiple filter chains matched";
  if (chain !== undefined) return chain;
  return listener.defaultFilterChain === undefined
    ? "no filter chains matched"
    : object(listener.defaultFilterChain);
}

/** How well a chain fits: -1 not at all, 0 where it doesn't say, else the higher the better. */
const chainFits: readonly ((match: JsonObject, connection: Connection) => number)[] = [
  ({ destinationPort }, { port }) => exactFit(destinationPort, port),
  ({ prefixRanges }, { address }) => prefixFit(objects(prefixRanges), address),
  ({ serverNames }, { sni = "" }) => serverNameFit(texts(serverNames), sni),
  ({ transportProtocol }, { transport }) => exactFit(transportProtocol || undefined, transport),
  ({ applicationProtocols }, { alpn = "" }) =>
    applicationProtocols === undefined ? 0 : texts(applicationProtocols).includes(alpn) ? 1 : -1,
];

function exactFit(wanted: JsonValue | undefined, found: JsonValue): number {
  return wanted === undefined ? 0 : wanted === found ? 1 : -1;
}

function prefixFit(ranges: readonly JsonObject[], address: string): number {
  if (ranges.length === 0) return 0;
  const fits = ranges.map(({ addressPrefix, prefixLen = 0 }) => {
    const length = Number(prefixLen);
    const [prefix, found] = [bitsOf(text(addressPrefix)), bitsOf(address)];
    return prefix.length === found.length && prefix.slice(0, length) === found.slice(0, length)
      ? 1 + length
      : -1;
  });
  return Math.max(...fits);
}

function bitsOf(address: string): string {
  if (!address.includes(":"))
    return address
      .split(".")
      .map((part) => Number(part).toString(2).padStart(8, "0"))
      .join("");
  const [head = "", tail] = address.split("::");
  const groups = (part: string) => (part === "" ? [] : part.split(":"));
  const [before, after] = [groups(head), groups(tail ?? "")];
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - before.length - after.length }, () => "0");
  return [...before, ...zeros, ...after]
    .map((group) => Number.parseInt(group, 16).toString(2).padStart(16, "0"))
    .join("");
}

function serverNameFit(names: readonly string[], sni: string): number {
  if (names.length === 0) return 0;
  const fits = names.map((name) => {
    if (name === sni) return 1000;
    return name.startsWith("*.") && sni.endsWith(name.slice(1)) ? name.length : -1;
  });
  return Math.max(...fits);
}

function walkChain(config: ProxyConfig, chain: JsonObject, connection: Connection): Outcome {
  const reached = { filterChainMatched: text(chain.name) };
  const tls = tlsOf(chain);
  const isPlain = connection.tls === "plaintext";
  if (tls !== undefined && isPlain) return { ...reached, error: "invalid TLS" };
  if (tls !== undefined && wantsMeshCertificate(tls, connection) !== (connection.tls === "mtls"))
    return { ...reached, error: "invalid mTLS" };
  const filters = objects(chain.filters);
  const manager = configOf(filters, "envoy.filters.network.http_connection_manager");
  const proxy = configOf(filters, "envoy.filters.network.tcp_proxy");
  if (manager === undefined)
    return { ...reached, ...(proxy === undefined ? {} : { clusterMatched: text(proxy.cluster) }) };
  if ((!isPlain && tls === undefined) || connection.protocol === "tcp")
    return { ...reached, error: "protocol error" };
  return { ...reached, ...walkRoutes(config, manager, connection) };
}

export function tlsOf(chain: JsonObject): JsonObject | undefined {
  const socket = object(chain.transportSocket);
  return socket.name === "envoy.transport_sockets.tls" ? object(socket.typedConfig) : undefined;
}

export function secretNameOf(tls: JsonObject): string | undefined {
  const [secret] = objects(object(tls.commonTlsContext).tlsCertificateSdsSecretConfigs);
  return secret === undefined ? undefined : text(secret.name);
}

function wantsMeshCertificate(tls: JsonObject, { mtlsSecretConfigName = "default" }: Call): boolean {
  return tls.requireClientCertificate === true && secretNameOf(tls) === mtlsSecretConfigName;
}

function configOf(filters: readonly JsonObject[], name: string): JsonObject | undefined {
  const filter = filters.find((each) => each.name === name);
  return filter === undefined ? undefined : object(filter.typedConfig);
}

function walkRoutes(config: ProxyConfig, manager: JsonObject, connection: Connection): Outcome {
  const routeName = manager.rds === undefined ? undefined : text(object(manager.rds).routeConfigName);
  const table =
    routeName === undefined
      ? object(manager.routeConfig)
      : (config.routes.find(({ name }) => name === routeName) ?? {});
  const named = routeName === undefined ? {} : { routeConfigMatched: routeName };
  const host = matchVirtualHost(objects(table.virtualHosts), connection.hostHeader ?? "", table);
  if (host === undefined) return { ...named, error: "no virtual host matched" };
  const reached = { ...named, virtualHostMatched: text(host.name) };
  if (host.requireTls === "ALL" && connection.tls === "plaintext")
    return { ...reached, error: "tls required, sending 301" };
  const { path, fields } = connection;
  const route = objects(host.routes).find(
    ({ match }) =>
      matchesPath(object(match), path) && (fields === undefined || matchesRequest(object(match), fields)),
  );
  if (route === undefined) return { ...reached, error: "no route matched" };
  const { cluster } = object(route.route);
  if (route.redirect !== undefined && fields !== undefined) return { ...reached, error: "redirect" };
  return {
    ...reached,
    routeMatched: text(route.name),
    ...(cluster === undefined ? {} : { clusterMatched: text(cluster) }),
  };
}

function matchVirtualHost(
  hosts: readonly JsonObject[],
  authority: string,
  { ignorePortInHostMatching }: JsonObject,
): JsonObject | undefined {
  const name = (ignorePortInHostMatching === true ? authority.replace(/:\d+$/, "") : authority).toLowerCase();
  const fits = hosts.map((host) => Math.max(...texts(host.domains).map((domain) => domainFit(domain, name))));
  const best = Math.max(...fits);
  return best < 0 ? undefined : hosts[fits.indexOf(best)];
}

/** Envoy's order: exact, the longest suffix, the longest prefix, `*`. */
function domainFit(written: string, name: string): number {
  const domain = written.toLowerCase();
  if (domain === "*") return 0;
  if (domain === name) return 3_000;
  if (domain.startsWith("*") && name.endsWith(domain.slice(1)) && name.length >= domain.length)
    return 2_000 + domain.length;
  const isPrefix = domain.endsWith("*") && name.startsWith(domain.slice(0, -1));
  return isPrefix && name.length >= domain.length ? 1_000 + domain.length : -1;
}

function matchesPath({ path, prefix, pathSeparatedPrefix, safeRegex }: JsonObject, found: string): boolean {
  if (path !== undefined) return path === found;
  if (prefix !== undefined) return found.startsWith(text(prefix));
  if (pathSeparatedPrefix !== undefined) {
    const stem = text(pathSeparatedPrefix);
    return found === stem || found.startsWith(`${stem}/`);
  }
  return safeRegex !== undefined && new RegExp(`^(?:${text(object(safeRegex).regex)})$`).test(found);
}

export function object(value: JsonValue | undefined): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

export function objects(value: JsonValue | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.map(object) : [];
}

export function text(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}

function texts(value: JsonValue | undefined): readonly string[] {
  return Array.isArray(value) ? value.map(text) : [];
}
