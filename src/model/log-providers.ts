// Who takes what proxies log: files, and the extension providers of MeshConfig that unmodified Envoys can send to.

import type { Read } from "../graph/read.ts";
import { type ClaimedField, claims } from "../kinds/claims.ts";
import type {
  EnvoyFileAccessLogProvider,
  EnvoyHttpGrpcV3LogProvider,
  EnvoyOpenTelemetryLogProvider,
  EnvoyTcpGrpcV3LogProvider,
  ExtensionProvider,
} from "../kinds/mesh-config/extension-provider.ts";
import { meshConfigKind } from "../kinds/mesh-config/mesh-config.ts";
import { findProvider, isBuiltInLog, STANDARD_OUTPUT } from "./extension-providers.ts";
import type { MeshSettings } from "./mesh-settings.ts";
import {
  addressOf,
  findVisibleServer,
  type ProviderClients,
  type ProviderServer,
  whyNoGrpc,
  whyNoServer,
} from "./provider-server.ts";

/** What is logged, and to whom. */
export type AccessLog = FileLog | ServiceLog | OpenTelemetryLog;

interface AnyLog {
  /** A CEL expression: only what makes it true is logged. */
  readonly filter?: string;
}

/** Lines that are written to a file. */
export interface FileLog extends AnyLog {
  readonly kind: "file";
  /** `/dev/stdout` is the proxy's standard output. */
  readonly path: string;
  /** Of a line, or as JSON the text of an object; empty for Istio's default. */
  readonly format: string;
  readonly isJson: boolean;
  /** Empty values are left out, where they would be `-` or null. */
  readonly omitsEmptyValues?: true;
}

/** Entries of Envoy's own access log service. */
export interface ServiceLog extends AnyLog {
  readonly kind: "service";
  /** What each entry is made as, whatever it is of; absent: as what it is of. */
  readonly entries?: "http" | "tcp";
  /** Empty for Istio's default. */
  readonly logName: string;
  readonly server: ProviderServer;
  readonly filterState: readonly string[];
  readonly requestHeaders: readonly string[];
  readonly responseHeaders: readonly string[];
  readonly responseTrailers: readonly string[];
}

/** Records of OpenTelemetry. */
export interface OpenTelemetryLog extends AnyLog {
  readonly kind: "opentelemetry";
  /** Empty for Istio's default. */
  readonly logName: string;
  readonly server: ProviderServer;
  /** Of a record's body; empty for Istio's default line. */
  readonly format: string;
  /** A record's attributes. */
  readonly labels: Readonly<Record<string, unknown>>;
}

const SERVICE = ["service", "port", "logName"] as const;

export const logProviderFields: readonly ClaimedField[] = [
  ...claims(meshConfigKind, "spec.extensionProviders[].envoyFileAccessLog", [
    "path",
    "logFormat.text",
    "logFormat.labels.*",
    "omitEmptyValues",
  ]),
  ...claims(meshConfigKind, "spec.extensionProviders[].envoyHttpAls", [
    ...[...SERVICE, "filterStateObjectsToLog" as const, "additionalRequestHeadersToLog" as const],
    ...(["additionalResponseHeadersToLog", "additionalResponseTrailersToLog"] as const),
  ]),
  ...claims(meshConfigKind, "spec.extensionProviders[].envoyTcpAls", [...SERVICE, "filterStateObjectsToLog"]),
  ...claims(meshConfigKind, "spec.extensionProviders[].envoyOtelAls", [
    ...SERVICE,
    ...(["logFormat.text", "logFormat.labels.*"] as const),
  ]),
  ...claims(meshConfigKind, [
    ...(["spec.accessLogFile", "spec.accessLogFormat", "spec.accessLogEncoding"] as const),
    ...(["spec.enableEnvoyAccessLogService", "spec.defaultConfig.envoyAccessLogService.address"] as const),
  ]),
];

/** MeshConfig's own: its file, and the service that ProxyConfig names. */
export function ownLogs(clients: ProviderClients, read: Read): readonly AccessLog[] {
  const {
    accessLogFile: path,
    accessLogFormat: format,
    isAccessLogJson: isJson,
    ...rest
  } = read.one(clients.settings);
  const address = rest.accessLogService;
  const server =
    address === undefined ? undefined : findVisibleServer(addressOf(address, clients, read), clients, read);
  return [
    ...(path === "" ? [] : [{ kind: "file" as const, path, format, isJson }]),
    ...(server === undefined ? [] : [serviceLog(server, {})]),
  ];
}

/** Undefined for one that isn't there, has another use, or whose service clients don't see. */
export function resolveLog(name: string, clients: ProviderClients, read: Read): AccessLog | undefined {
  const settings = read.one(clients.settings);
  const { envoyFileAccessLog, envoyHttpAls, envoyTcpAls, envoyOtelAls } = findProvider(settings, name) ?? {};
  if (envoyFileAccessLog !== undefined) return fileLog(name, envoyFileAccessLog, settings);
  const service = envoyHttpAls ?? envoyTcpAls ?? envoyOtelAls;
  const server = service && findVisibleServer(service, clients, read);
  if (server === undefined) return undefined;
  if (envoyHttpAls !== undefined) return { ...serviceLog(server, envoyHttpAls), entries: "http" };
  if (envoyTcpAls !== undefined) return { ...serviceLog(server, envoyTcpAls), entries: "tcp" };
  return envoyOtelAls && openTelemetryLog(server, envoyOtelAls);
}

function fileLog(
  name: string,
  { path = "", logFormat, omitEmptyValues = false }: EnvoyFileAccessLogProvider,
  settings: MeshSettings,
): FileLog {
  const place = { kind: "file" as const, path: path === "" ? STANDARD_OUTPUT : path };
  if (logFormat === undefined && !omitEmptyValues && isBuiltInLog(name)) {
    const { accessLogFormat: format, isAccessLogJson: isJson } = settings;
    return { ...place, format, isJson };
  }
  const { labels, text = "" } = logFormat ?? {};
  const isEmpty = labels === undefined || Object.keys(labels).length === 0;
  return {
    ...place,
    format: labels === undefined ? text : isEmpty ? "" : JSON.stringify(labels),
    isJson: labels !== undefined,
    ...(omitEmptyValues && { omitsEmptyValues: true as const }),
  };
}

function serviceLog(
  server: ProviderServer,
  settings: EnvoyHttpGrpcV3LogProvider & EnvoyTcpGrpcV3LogProvider,
): ServiceLog {
  return {
    ...{ kind: "service", server, logName: settings.logName ?? "" },
    filterState: settings.filterStateObjectsToLog ?? [],
    requestHeaders: settings.additionalRequestHeadersToLog ?? [],
    responseHeaders: settings.additionalResponseHeadersToLog ?? [],
    responseTrailers: settings.additionalResponseTrailersToLog ?? [],
  };
}

function openTelemetryLog(
  server: ProviderServer,
  { logName = "", logFormat = {} }: EnvoyOpenTelemetryLogProvider,
): OpenTelemetryLog {
  const { text: format = "", labels = {} } = logFormat;
  return { kind: "opentelemetry", server, logName, format, labels };
}

/** What lacks for anything to be logged, as a part of a sentence; undefined for nothing. */
export function whyNoLog(
  provider: ExtensionProvider | undefined,
  clients: ProviderClients,
  read: Read,
): string | undefined {
  if (provider === undefined) return "MeshConfig.extensionProviders has none of that name";
  const { envoyFileAccessLog, envoyHttpAls, envoyTcpAls, envoyOtelAls, stackdriver } = provider;
  if (envoyFileAccessLog !== undefined) return undefined;
  if (stackdriver !== undefined) return "no Envoy of today has a logger for it: use envoyOtelAls";
  const service = envoyHttpAls ?? envoyTcpAls ?? envoyOtelAls;
  if (service === undefined) return "MeshConfig.extensionProviders has another use for it";
  return whyNoServer(service, clients, read) ?? whyNoGrpc(service, "logs", { clients, read });
}

/** Likewise, of the address of ProxyConfig; undefined too where it isn't asked for. */
export function whyNoOwnService(clients: ProviderClients, read: Read): string | undefined {
  const { accessLogService: address } = read.one(clients.settings);
  if (address === undefined) return undefined;
  if (address === "") return "defaultConfig.envoyAccessLogService.address is empty";
  const service = addressOf(address, clients, read);
  return whyNoServer(service, clients, read) ?? whyNoGrpc(service, "logs", { clients, read });
}
