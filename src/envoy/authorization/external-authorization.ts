// Who decides for the action CUSTOM: extension providers as the settings of Envoy's ext_authz filters.

import { parseDuration } from "../../core/duration.ts";
import { ApiVersion } from "../../gen/envoy/config/core/v3/config_source_pb.ts";
import type {
  BufferSettingsSchema,
  ExtAuthzSchema as HttpExtAuthzSchema,
  HttpServiceSchema,
} from "../../gen/envoy/extensions/filters/http/ext_authz/v3/ext_authz_pb.ts";
import type { ExtAuthzSchema as TcpExtAuthzSchema } from "../../gen/envoy/extensions/filters/network/ext_authz/v3/ext_authz_pb.ts";
import type { ListStringMatcherSchema } from "../../gen/envoy/type/matcher/v3/string_pb.ts";
import { StatusCode } from "../../gen/envoy/type/v3/http_status_pb.ts";
import { type ClaimedField, claims } from "../../kinds/claims.ts";
import type { EnvoyExternalAuthorizationRequestBody } from "../../kinds/mesh-config/extension-provider.ts";
import { meshConfigKind } from "../../kinds/mesh-config/mesh-config.ts";
import type { AuthorizationProvider, AuthorizationServer } from "../../view/authorization-inputs.ts";
import { durationMessage } from "../duration-message.ts";
import type { Plain } from "../encode.ts";
import { buildGrpcService } from "../grpc-service.ts";
import { EXT_AUTHZ_STAT_PREFIX } from "../policy-slot/denial.ts";
import { type MetadataMatcherInit, metadataMatcher } from "./metadata-matcher.ts";
import { stringPattern } from "./string-pattern.ts";

type HttpExtAuthzInit = Plain<typeof HttpExtAuthzSchema>;
type TcpExtAuthzInit = Plain<typeof TcpExtAuthzSchema>;
type HttpServiceInit = Plain<typeof HttpServiceSchema>;

const BODY_FIELDS = [
  "includeRequestBodyInCheck.maxRequestBytes",
  "includeRequestBodyInCheck.allowPartialMessage",
  "includeRequestBodyInCheck.packAsBytes",
] as const;

export const externalAuthorizationFields: readonly ClaimedField[] = [
  ...claims(meshConfigKind, "spec.extensionProviders[].envoyExtAuthzHttp", [
    ...(["port", "timeout", "pathPrefix", "failOpen", "clearRouteCache", "statusOnError"] as const),
    ...(["includeHeadersInCheck", "includeRequestHeadersInCheck"] as const),
    "includeAdditionalHeadersInCheck.*",
    ...(["headersToUpstreamOnAllow", "headersToDownstreamOnDeny", "headersToDownstreamOnAllow"] as const),
    ...BODY_FIELDS,
  ]),
  ...claims(meshConfigKind, "spec.extensionProviders[].envoyExtAuthzGrpc", [
    ...(["port", "timeout", "failOpen", "clearRouteCache", "statusOnError"] as const),
    ...BODY_FIELDS,
  ]),
];

/** Before the names of the rules that ask a provider. */
export function providerPrefix(provider: string): string {
  return `istio-ext-authz-${provider}`;
}

export interface ExternalAuthorization {
  /** Its filter asks only where the rules of policies that name the provider matched. */
  readonly http: HttpExtAuthzInit;
  /** Absent for a provider that is asked by HTTP: it can't decide on connections. */
  readonly tcp?: TcpExtAuthzInit;
}

/** Undefined where there is no such provider, or it can't be asked: then the door is closed. */
export function externalAuthorization(
  name: string,
  provider: AuthorizationProvider | undefined,
): ExternalAuthorization | undefined {
  if (provider?.server === undefined) return undefined;
  const { settings, server } = provider;
  const { statusOnError = "", failOpen = false, clearRouteCache = false } = settings;
  const code = statusOnError === "" ? undefined : statusCode(statusOnError);
  if (statusOnError !== "" && code === undefined) return undefined;
  if (!isPort(settings.port) || !isTimeout(settings.timeout)) return undefined;
  const common: HttpExtAuthzInit = {
    failureModeAllow: failOpen,
    clearRouteCache,
    transportApiVersion: ApiVersion.V3,
    filterEnabledMetadata: matchedBy(name, "envoy.filters.http.rbac"),
    ...(code === undefined ? {} : { statusOnError: { code } }),
    ...requestBody(settings.includeRequestBodyInCheck),
  };
  if (provider.kind === "http") {
    const http = httpProvider(provider.settings, server);
    return http === undefined ? undefined : { http: { ...common, ...http } };
  }
  const service = buildGrpcService(server, { timeout: settings.timeout ?? DEFAULT_TIMEOUT });
  return {
    http: { ...common, services: { case: "grpcService", value: service } },
    tcp: {
      statPrefix: "tcp.",
      failureModeAllow: failOpen,
      transportApiVersion: ApiVersion.V3,
      grpcService: service,
      filterEnabledMetadata: matchedBy(name, "envoy.filters.network.rbac"),
    },
  };
}

/** The shadow rules of an RBAC filter before it say by metadata which of them matched. */
function matchedBy(provider: string, rbacFilter: string): MetadataMatcherInit {
  return metadataMatcher(rbacFilter, [`${EXT_AUTHZ_STAT_PREFIX}shadow_effective_policy_id`], {
    matchPattern: {
      case: "stringMatch",
      value: { matchPattern: { case: "prefix", value: providerPrefix(provider) } },
    },
  });
}

type HttpSettings = Extract<AuthorizationProvider, { kind: "http" }>["settings"];

function httpProvider(settings: HttpSettings, { hostname, cluster }: AuthorizationServer) {
  const { pathPrefix = "" } = settings;
  const { includeHeadersInCheck = [], includeRequestHeadersInCheck = [] } = settings;
  const { headersToUpstreamOnAllow = [], headersToDownstreamOnDeny = [] } = settings;
  const { headersToDownstreamOnAllow = [] } = settings;
  const checked =
    includeRequestHeadersInCheck.length > 0 ? includeRequestHeadersInCheck : includeHeadersInCheck;
  const lists = [checked, headersToUpstreamOnAllow, headersToDownstreamOnDeny, headersToDownstreamOnAllow];
  if (lists.some((list) => list.includes("*"))) return undefined;
  if (pathPrefix !== "" && !pathPrefix.startsWith("/")) return undefined;
  const added = Object.entries(settings.includeAdditionalHeadersInCheck ?? {}).sort(([a], [b]) =>
    a < b ? -1 : 1,
  );
  const response = {
    ...optional("allowedUpstreamHeaders", headerNames(headersToUpstreamOnAllow)),
    ...optional("allowedClientHeaders", headerNames(headersToDownstreamOnDeny)),
    ...optional("allowedClientHeadersOnSuccess", headerNames(headersToDownstreamOnAllow)),
  };
  const service: HttpServiceInit = {
    pathPrefix,
    serverUri: {
      // Only the cluster counts.
      uri: `http://${hostname}`,
      httpUpstreamType: { case: "cluster", value: cluster },
      timeout: durationMessage(settings.timeout ?? DEFAULT_TIMEOUT),
    },
    ...(added.length === 0
      ? {}
      : { authorizationRequest: { headersToAdd: added.map(([key, value]) => ({ key, value })) } }),
    ...(Object.keys(response).length === 0 ? {} : { authorizationResponse: response }),
  };
  return {
    services: { case: "httpService" as const, value: service },
    ...optional("allowedHeaders", headerNames(checked)),
  } satisfies HttpExtAuthzInit;
}

// Istio's: whoever wants another says so.
const DEFAULT_TIMEOUT = "600s";

function requestBody(body: EnvoyExternalAuthorizationRequestBody | undefined): {
  withRequestBody?: Plain<typeof BufferSettingsSchema>;
} {
  if (body === undefined) return {};
  const { maxRequestBytes = 0, allowPartialMessage = false, packAsBytes = false } = body;
  return { withRequestBody: { maxRequestBytes, allowPartialMessage, packAsBytes } };
}

function headerNames(names: readonly string[]): Plain<typeof ListStringMatcherSchema> | undefined {
  if (names.length === 0) return undefined;
  return { patterns: names.map((name) => ({ ...stringPattern(name), ignoreCase: true })) };
}

function optional<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return (value === undefined ? {} : { [key]: value }) as { [K in Key]?: Value };
}

/** Undefined for one that Envoy doesn't know. */
function statusCode(text: string): StatusCode | undefined {
  const code = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return StatusCode[code] === undefined ? undefined : code;
}

function isPort(port: number | undefined): boolean {
  return port !== undefined && port >= 1 && port <= 65535;
}

function isTimeout(text: string | undefined): boolean {
  return text === undefined || parseDuration(text) !== undefined;
}
