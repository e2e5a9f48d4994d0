// The filter chain of a sidecar that takes a call in, chosen as Envoy chooses it, with the filters that decide on it.

import { type Any, anyIs, anyUnpack } from "@bufbuild/protobuf/wkt";
import { MESH_HTTP_ALPN, MESH_TCP_ALPN } from "../envoy/application-protocol.ts";
import { FilterChainConfigSchema } from "../gen/envoy/extensions/filters/http/filter_chain/v3/filter_chain_pb.ts";
import { ConfigSchema as SetFilterStateSchema } from "../gen/envoy/extensions/filters/http/set_filter_state/v3/set_filter_state_pb.ts";
import type { PathNormalization } from "./normalized-path.ts";
import {
  type JsonObject,
  type ReceivedChain,
  type ReceivedConfig,
  type ReceivedFilter,
  readFilterConfig,
  typeNameOf,
} from "./received-config.ts";

/** What a connection shows before its bytes are read. */
export interface Connection {
  readonly port: number;
  readonly isMutualTls: boolean;
  readonly speaks: "http" | "bytes";
}

export interface EnforcingChain {
  readonly isMutualTls: boolean;
  readonly speaks: "http" | "bytes";
  /** Of requests. */
  readonly normalization: PathNormalization;
  /** In the order in which a call meets them. */
  readonly filters: readonly EnforcingFilter[];
}

export interface EnforcingFilter {
  /** The slot that holds it, or its own name. */
  readonly slot: string;
  readonly name: string;
  /** Undefined: what it does isn't known here. */
  readonly config: Any | undefined;
}

const INBOUND = "virtualInbound";
const CONNECTION_MANAGER = "HttpConnectionManager";

/** False for a gateway, and for a sidecar that hasn't got it yet. */
export function hasInboundListener({ listeners }: ReceivedConfig): boolean {
  return listeners.some(({ name }) => name === INBOUND);
}

/** Undefined where no chain takes such a connection: it is closed. */
export function enforcingChain(config: ReceivedConfig, connection: Connection): EnforcingChain | undefined {
  const listener = config.listeners.find(({ name }) => name === INBOUND);
  const chain = chooseChain(listener?.filter_chains ?? [], connection);
  return chain === undefined ? undefined : enforcementOf(chain, config);
}

/** What a chain that takes a connection does with it. */
export function enforcementOf(chain: ReceivedChain, config: ReceivedConfig): EnforcingChain {
  const filters = chain.filters ?? [];
  const manager = managerOf(chain);
  const ofRequests = (manager?.http_filters ?? []) as readonly ReceivedFilter[];
  return {
    isMutualTls: chain.transport_socket !== undefined,
    speaks: manager === undefined ? "bytes" : "http",
    normalization: normalizationOf(manager ?? {}),
    filters: [...filters, ...ofRequests].flatMap((filter) => filtersIn(filter, config)),
  };
}

/** The connection manager of a chain that speaks HTTP. */
export function managerOf({ filters = [] }: ReceivedChain): JsonObject | undefined {
  return filters
    .map(({ typed_config }) => typed_config)
    .find((config) => typeNameOf(config).endsWith(`.${CONNECTION_MANAGER}`));
}

/** By port, then by TLS, then by protocol: a chain that names one comes before those that take any. */
function chooseChain(
  chains: readonly ReceivedChain[],
  { port, isMutualTls, speaks }: Connection,
): ReceivedChain | undefined {
  const transport = isMutualTls ? "tls" : "raw_buffer";
  const protocols = isMutualTls ? mutualProtocols[speaks] : plaintextProtocols[speaks];
  const ofPort = named(chains, (match) => match.destination_port, [port]);
  const ofTransport = named(ofPort, (match) => match.transport_protocol, [transport]);
  const [chosen] = named(ofTransport, (match) => match.application_protocols, protocols);
  return chosen;
}

const mutualProtocols = { http: MESH_HTTP_ALPN, bytes: MESH_TCP_ALPN } as const;
const plaintextProtocols = { http: ["http/1.1", "h2c"], bytes: [] } as const;

type Match = NonNullable<ReceivedChain["filter_chain_match"]>;

/** The chains that say one of `wanted`, else those that say nothing of it. */
export function named<T>(
  chains: readonly ReceivedChain[],
  field: (match: Match) => T | readonly T[] | undefined,
  wanted: readonly T[],
): readonly ReceivedChain[] {
  const valuesOf = ({ filter_chain_match: match }: ReceivedChain) => {
    const value = match === undefined ? undefined : field(match);
    return value === undefined ? [] : ([value].flat() as readonly T[]);
  };
  const exact = chains.filter((chain) => valuesOf(chain).some((value) => wanted.includes(value)));
  return exact.length > 0 ? exact : chains.filter((chain) => valuesOf(chain).length === 0);
}

function filtersIn(filter: ReceivedFilter, config: ReceivedConfig): readonly EnforcingFilter[] {
  const { name = "", typed_config } = filter;
  if (typed_config !== undefined) {
    if (decidesNothing(typed_config)) return [];
    return [{ slot: name, name, config: readFilterConfig(typed_config) }];
  }
  const slot = config.extensionConfigs.get(name);
  const nested = slot === undefined ? undefined : anyUnpack(slot, FilterChainConfigSchema);
  if (nested === undefined) return [{ slot: name, name, config: slot }];
  const filters = nested.defaultFilterChain?.filters ?? [];
  return filters
    .filter(({ typedConfig }) => typedConfig === undefined || !anyIs(typedConfig, SetFilterStateSchema))
    .map((each) => ({ slot: name, name: each.name, config: each.typedConfig }));
}

/** Filters that are no part of authorization: they forward, count, or change what was let in. */
const PASSING = [
  ...["HttpConnectionManager", "TcpProxy", "Router", "GrpcWeb", "grpc_stats.v3.FilterConfig"],
  ...["HTTPFault", "Cors", "set_filter_state.v3.Config", "FilterConfig"],
];

function decidesNothing(config: Readonly<Record<string, unknown>>): boolean {
  return PASSING.some((type) => typeNameOf(config).endsWith(`.${type}`));
}

function normalizationOf(manager: Readonly<Record<string, unknown>>): PathNormalization {
  const { normalize_path, merge_slashes, path_with_escaped_slashes_action: action } = manager;
  return {
    normalizesPath: normalize_path === true,
    mergesSlashes: merge_slashes === true,
    escapedSlashes: escapedSlashes[String(action)] ?? "keep",
    stripsFinalDot: manager.strip_trailing_host_dot === true,
  };
}

const escapedSlashes: Readonly<Record<string, PathNormalization["escapedSlashes"]>> = {
  UNESCAPE_AND_FORWARD: "unescape",
  UNESCAPE_AND_REDIRECT: "redirect",
  REJECT_REQUEST: "reject",
};
