// The service that an extension provider of MeshConfig names, as proxies reach it.

import { outboundClusterName } from "../core/cluster-name.ts";
import { isHttp2 } from "../core/protocol.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import type { HostClaims } from "./host-owner.ts";
import { findNamed } from "./host-table.ts";
import type { MeshSettings } from "./mesh-settings.ts";
import type { MeshService } from "./service.ts";
import { isVisibleTo } from "./visibility.ts";

export interface ProviderServer {
  readonly hostname: string;
  readonly cluster: string;
}

/** `service` is a host, or `namespace/host`. */
export interface ProviderAddress {
  readonly service?: string;
  readonly port?: number;
}

export interface ServiceTables {
  readonly hostClaims: HostClaims;
  readonly services: Table<MeshService>;
}

/** A host without a namespace must be that of one service alone. */
export function findProviderService(
  { service = "" }: ProviderAddress,
  { hostClaims, services }: ServiceTables,
  read: Read,
): MeshService | undefined {
  const slash = service.indexOf("/");
  const found: readonly MeshService[] =
    slash === -1
      ? findNamed(read, hostClaims, service).map(([, each]) => each)
      : [read.get(services, service)].flatMap((each) => each ?? []);
  const [server, another] = found;
  return another === undefined ? server : undefined;
}

/** Undefined where there is no such service, or it has no such port. */
export function findProviderServer(
  address: ProviderAddress,
  tables: ServiceTables,
  read: Read,
): ProviderServer | undefined {
  const server = findProviderService(address, tables, read);
  return server === undefined ? undefined : serverAt(server, address.port);
}

export function serverAt(
  { hostname, ports }: MeshService,
  port: number | undefined,
): ProviderServer | undefined {
  if (port === undefined || !ports.some(({ number }) => number === port)) return undefined;
  return { hostname, cluster: outboundClusterName({ port, subset: "", hostname }) };
}

/** Proxies that send to a provider what they saw. */
export interface ProviderClients extends ServiceTables {
  readonly settings: Table<MeshSettings>;
  /** Of their workloads; empty for all namespaces. */
  readonly namespace: string;
}

/** Undefined also where the service isn't exported to the clients. */
export function findVisibleServer(
  address: ProviderAddress,
  { namespace, ...tables }: ProviderClients,
  read: Read,
): ProviderServer | undefined {
  const service = findProviderService(address, tables, read);
  if (service === undefined) return undefined;
  return isVisibleTo(service.visibility, namespace) ? serverAt(service, address.port) : undefined;
}

/** What lacks for clients to reach it, as a part of a sentence; undefined for nothing. */
export function whyNoServer(
  address: ProviderAddress,
  { namespace, ...tables }: ProviderClients,
  read: Read,
): string | undefined {
  const { service: written = "", port = 0 } = address;
  const service = findProviderService(address, tables, read);
  if (service === undefined) return `the mesh has no service "${written}", or several`;
  if (serverAt(service, port) === undefined) return `${service.hostname} has no port ${port}`;
  if (namespace === "" || isVisibleTo(service.visibility, namespace)) return undefined;
  return `${service.hostname} isn't exported to namespace "${namespace}"`;
}

/** Likewise, for a port that gRPC can't go to; `what` goes there, such as `spans`. */
export function whyNoGrpc(
  address: ProviderAddress,
  what: string,
  { clients, read }: { readonly clients: ServiceTables; readonly read: Read },
): string | undefined {
  const port = findProviderService(address, clients, read)?.ports.find(
    ({ number }) => number === address.port,
  );
  if (port === undefined || isHttp2(port.protocol)) return undefined;
  return `${what} go by gRPC, and port ${port.number} is ${port.protocol}: call it grpc-${port.name || what}`;
}

/** `zipkin.istio-system:9411`: a Service's name and namespace, or a host. */
export function addressOf(
  address: string,
  { settings }: Pick<ProviderClients, "settings">,
  read: Read,
): Required<ProviderAddress> {
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon);
  const { clusterDomain } = read.one(settings);
  const parts = host.split(".").length;
  const isShort = parts === 2 || (parts === 3 && host.endsWith(".svc"));
  const service = !isShort ? host : `${host.replace(/\.svc$/, "")}.svc.${clusterDomain}`;
  return { service, port: Number(address.slice(colon + 1)) };
}
