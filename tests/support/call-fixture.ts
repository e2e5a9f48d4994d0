// For tests of verdicts: calls, and a chain whose filters are those that builders write for policies.

import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { buildAuthorizationSlots } from "../../src/envoy/authorization/policy-slots.ts";
import { encode } from "../../src/envoy/encode.ts";
import { forwardTo } from "../../src/envoy/listener/filter-chain.ts";
import { buildNetworkFilters } from "../../src/envoy/listener/network-filters.ts";
import { buildHttpSlot, type ExtensionConfigInit } from "../../src/envoy/policy-slot/http-slot.ts";
import { buildRequestAuthentication } from "../../src/envoy/request-authentication/request-authentication.ts";
import type { Call, HttpRequest } from "../../src/explain/call.ts";
import type { EnforcingChain, EnforcingFilter } from "../../src/explain/enforcing-chain.ts";
import { type Fact, known } from "../../src/explain/truth.ts";
import { TypedExtensionConfigSchema } from "../../src/gen/envoy/config/core/v3/extension_pb.ts";
import { FilterChainConfigSchema } from "../../src/gen/envoy/extensions/filters/http/filter_chain/v3/filter_chain_pb.ts";
import type { AuthorizationInputs } from "../../src/view/authorization-inputs.ts";
import type { AcceptedIssuer } from "../../src/view/request-authentication.ts";

export interface CallOptions {
  /** Its SPIFFE id without the scheme; absent: anonymous, `null`: not known. */
  readonly principal?: string | null;
  readonly sourceIp?: string;
  readonly port?: number;
  /** Absent: none that is known. */
  readonly headers?: Readonly<Record<string, string>> | null;
  readonly method?: string;
  readonly path?: string;
  readonly authority?: string;
  readonly serverName?: string;
}

export function httpCall(options: CallOptions = {}): Call {
  const { headers = {}, method = "GET", path = "/", authority = "web" } = options;
  const request: HttpRequest = {
    method: known(method),
    authority: known(authority),
    path: known(path),
    headers: headers === null ? undefined : known(new Map(Object.entries(headers))),
  };
  return { ...tcpCall(options), request };
}

export function tcpCall({ principal, sourceIp, port = 8080, serverName }: CallOptions = {}): Call {
  const names = principal === null ? undefined : known([`spiffe://${principal}`]);
  return {
    peer: principal === undefined ? { kind: "anonymous" } : { kind: "certificate", names },
    sourceIp: factOf(sourceIp),
    destinationIp: known("10.0.0.9"),
    destinationPort: port,
    serverName: factOf(serverName),
  };
}

/** Of requests whose path, method and headers nobody said. */
export function anyRequest(options: CallOptions = {}): Call {
  const request = { method: undefined, authority: undefined, path: undefined, headers: undefined };
  return { ...tcpCall(options), request };
}

function factOf(value: string | undefined): Fact<string> {
  return value === undefined ? undefined : known(value);
}

const NORMALIZATION = {
  normalizesPath: true,
  mergesSlashes: false,
  escapedSlashes: "keep",
  stripsFinalDot: true,
} as const;

export function httpChain(
  inputs: AuthorizationInputs,
  issuers: readonly AcceptedIssuer[] = [],
): EnforcingChain {
  const jwt = buildHttpSlot("jwt", buildRequestAuthentication({ issuers, isGateway: false }));
  const [custom, authorization] = buildAuthorizationSlots(inputs);
  const filters = [custom, jwt, authorization].flatMap((slot) => (slot ? nestedFilters(slot) : []));
  return { isMutualTls: true, speaks: "http", normalization: NORMALIZATION, filters };
}

/** Of the side where callers are authenticated, or of the other. */
export function tcpChain(inputs: AuthorizationInputs, isMutualTls = true): EnforcingChain {
  const settings = { pathNormalization: "BASE", protocolDetectionTimeout: "0s" } as const;
  const providers = new Set(
    inputs.policies.flatMap((each) => (each.action === "CUSTOM" ? [each.provider] : [])),
  );
  const names = buildNetworkFilters({
    forward: forwardTo("any", isMutualTls ? "inbound-mutual-tls" : "inbound-plaintext"),
    settings: providers.size > 1 ? { ...settings, asksSeveralProviders: true } : settings,
  }).map((filter) => filter.name);
  const filters = buildAuthorizationSlots(inputs)
    .map(decoded)
    .filter(({ name }) => names.includes(name))
    .map(({ name, typedConfig: config }): EnforcingFilter => ({ slot: name, name, config }));
  return { isMutualTls, speaks: "bytes", normalization: NORMALIZATION, filters };
}

function nestedFilters(slot: ExtensionConfigInit): readonly EnforcingFilter[] {
  const { name, typedConfig } = decoded(slot);
  const chain = typedConfig === undefined ? undefined : anyUnpack(typedConfig, FilterChainConfigSchema);
  const filters = chain?.defaultFilterChain?.filters ?? [];
  return filters.map((each) => ({ slot: name, name: each.name, config: each.typedConfig }));
}

function decoded(slot: ExtensionConfigInit) {
  return fromBinary(TypedExtensionConfigSchema, encode(TypedExtensionConfigSchema, slot).bytes);
}
