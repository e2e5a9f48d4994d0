// The service that an extension provider of MeshConfig names, as proxies reach it.

import { outboundClusterName } from "../core/cluster-name.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import type { HostClaims } from "./host-owner.ts";
import { findNamed } from "./host-table.ts";
import type { MeshService } from "./service.ts";

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
