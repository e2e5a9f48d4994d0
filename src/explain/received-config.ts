// What an Envoy says that it was sent, from its /config_dump: listeners as they are in it, and the filters that came by
// ECDS as messages. Pure.

import { X509Certificate } from "node:crypto";
import { createRegistry, fromJson, type JsonValue } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { parseSpiffeId } from "../core/spiffe-id.ts";
import { TypedExtensionConfigSchema } from "../gen/envoy/config/core/v3/extension_pb.ts";
import { ExtAuthzSchema as HttpExtAuthzSchema } from "../gen/envoy/extensions/filters/http/ext_authz/v3/ext_authz_pb.ts";
import { FilterChainConfigSchema } from "../gen/envoy/extensions/filters/http/filter_chain/v3/filter_chain_pb.ts";
import { HeaderMutationSchema } from "../gen/envoy/extensions/filters/http/header_mutation/v3/header_mutation_pb.ts";
import { JwtAuthenticationSchema } from "../gen/envoy/extensions/filters/http/jwt_authn/v3/config_pb.ts";
import { RBACSchema as HttpRbacSchema } from "../gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.ts";
import { ConfigSchema as HttpSetFilterStateSchema } from "../gen/envoy/extensions/filters/http/set_filter_state/v3/set_filter_state_pb.ts";
import { ExtAuthzSchema as NetworkExtAuthzSchema } from "../gen/envoy/extensions/filters/network/ext_authz/v3/ext_authz_pb.ts";
import { RBACSchema as NetworkRbacSchema } from "../gen/envoy/extensions/filters/network/rbac/v3/rbac_pb.ts";
import { ConfigSchema as SetFilterStateSchema } from "../gen/envoy/extensions/filters/network/set_filter_state/v3/set_filter_state_pb.ts";
import { CelSchema } from "../gen/envoy/extensions/formatter/cel/v3/cel_pb.ts";
import { UriTemplateMatchConfigSchema } from "../gen/envoy/extensions/path/match/uri_template/v3/uri_template_match_pb.ts";

export interface ReceivedConfig {
  readonly listeners: readonly ReceivedListener[];
  /** By name. */
  readonly extensionConfigs: ReadonlyMap<string, Any>;
  /** By name. */
  readonly routeConfigs: ReadonlyMap<string, ReceivedRoutes>;
  /** Of the proxy's own certificate; undefined where it has none. */
  readonly trustDomain: string | undefined;
}

// The few fields of Envoy's listeners that are read here, in the spelling of its dumps. All may be missing.

export interface ReceivedListener {
  readonly name?: string;
  readonly address?: { readonly socket_address?: { readonly port_value?: number } };
  readonly filter_chains?: readonly ReceivedChain[];
}

export interface ReceivedChain {
  readonly name?: string;
  readonly filter_chain_match?: {
    readonly destination_port?: number;
    readonly server_names?: readonly string[];
    readonly transport_protocol?: string;
    readonly application_protocols?: readonly string[];
  };
  readonly transport_socket?: { readonly name?: string; readonly typed_config?: JsonObject };
  readonly filters?: readonly ReceivedFilter[];
}

export interface ReceivedRoutes {
  readonly name?: string;
  readonly ignore_port_in_host_matching?: boolean;
  readonly virtual_hosts?: readonly {
    readonly name?: string;
    readonly domains?: readonly string[];
    readonly require_tls?: string;
    readonly routes?: readonly ReceivedRoute[];
  }[];
}

export interface ReceivedRoute {
  readonly match?: JsonObject;
  readonly redirect?: JsonObject;
  readonly metadata?: { readonly filter_metadata?: Readonly<Record<string, JsonObject>> };
}

export interface ReceivedFilter {
  readonly name?: string;
  /** With the field "@type". */
  readonly typed_config?: JsonObject;
}

/** Extensions that can stand in a policy's slot. */
const registry = createRegistry(
  ...[TypedExtensionConfigSchema, FilterChainConfigSchema, UriTemplateMatchConfigSchema],
  ...[HttpRbacSchema, HttpExtAuthzSchema, JwtAuthenticationSchema, HeaderMutationSchema],
  ...[HttpSetFilterStateSchema, CelSchema],
  ...[NetworkRbacSchema, NetworkExtAuthzSchema, SetFilterStateSchema],
);

/** Of policies only: other extensions that come by ECDS are left out. */
export function readReceivedConfig(dump: unknown): ReceivedConfig {
  const extensions = listIn(dump, "EcdsConfigDump", "ecds_filters").map(
    ({ ecds_filter }) => ecds_filter as JsonObject | undefined,
  );
  return {
    listeners: listIn(dump, "ListenersConfigDump", "dynamic_listeners").flatMap(
      ({ active_state }) => ((active_state as JsonObject | undefined)?.listener as ReceivedListener) ?? [],
    ),
    extensionConfigs: new Map(
      extensions.flatMap((extension) => {
        const name = String(extension?.name ?? "");
        const config = name.startsWith("meltemi.") ? readExtension(extension) : undefined;
        return config === undefined ? [] : [[name, config] as const];
      }),
    ),
    routeConfigs: new Map(
      listIn(dump, "RoutesConfigDump", "dynamic_route_configs").map(({ route_config }) => {
        const routes = (route_config ?? {}) as ReceivedRoutes;
        return [routes.name ?? "", routes] as const;
      }),
    ),
    trustDomain: trustDomainOf(dump),
  };
}

/** A filter's own configuration, of those that decide on calls; undefined for another. */
export function readFilterConfig(config: JsonObject | undefined): Any | undefined {
  if (registry.getMessage(typeNameOf(config)) === undefined) return undefined;
  return readExtension({ name: "filter", typed_config: config });
}

export function typeNameOf(config: JsonObject | undefined): string {
  const type = String(config?.["@type"] ?? "");
  return type.slice(type.lastIndexOf("/") + 1);
}

function readExtension(extension: JsonObject | undefined): Any | undefined {
  const { "@type": _, ...json } = extension ?? {};
  // An Envoy may be newer than what is known of its API here.
  return fromJson(TypedExtensionConfigSchema, json as JsonValue, { registry, ignoreUnknownFields: true })
    .typedConfig;
}

export type JsonObject = Readonly<Record<string, unknown>>;

/** Of all sections of a kind: filters of requests and of connections are in one each. */
function listIn(dump: unknown, message: string, field: string): readonly JsonObject[] {
  return listOf(dump as JsonObject, "configs")
    .filter((section) => String(section["@type"]).endsWith(`.${message}`))
    .flatMap((section) => listOf(section, field));
}

function listOf(section: JsonObject, field: string): readonly JsonObject[] {
  return (section[field] ?? []) as readonly JsonObject[];
}

const WORKLOAD_CERTIFICATE = "default";

function trustDomainOf(dump: unknown): string | undefined {
  const secrets = listIn(dump, "SecretsConfigDump", "dynamic_active_secrets");
  const own = secrets.find(({ name }) => name === WORKLOAD_CERTIFICATE)?.secret as JsonObject | undefined;
  const chain = (own?.tls_certificate as JsonObject | undefined)?.certificate_chain as JsonObject | undefined;
  const pem = chain?.inline_string ?? Buffer.from(String(chain?.inline_bytes ?? ""), "base64").toString();
  if (pem === "") return undefined;
  const names = new X509Certificate(String(pem)).subjectAltName ?? "";
  const id = names.split(", ").find((each) => each.startsWith("URI:"));
  return parseSpiffeId(id?.slice("URI:".length) ?? "")?.trustDomain;
}
