// The virtual hosts of sidecars: one for each service and HTTP port, and one for each host that only a
// VirtualService names. Rows by layer, route configuration and name.

import { isHostnameWithin } from "../core/hostname.ts";
import { isHttp, isSniffed } from "../core/protocol.ts";
import type { Graph } from "../graph/graph.ts";
import type { Table } from "../graph/table.ts";
import type { HostRoutes } from "../model/host-routes.ts";
import { hostFor } from "../model/host-table.ts";
import type { Model } from "../model/model.ts";
import { addressRanges, hasOwnListener, type MeshService, type MeshServicePort } from "../model/service.ts";
import type { ClientScopes } from "./client-scope.ts";
import { defaultRoute } from "./http-routes.ts";
import { ownAddresses } from "./own-addresses.ts";
import { ruleHosts } from "./rule-hosts.ts";
import { routeContext, ruledRoutes, type SidecarContext } from "./ruled-routes.ts";
import { deriveImportedRows, deriveRowsOverMesh, type Scoped, type ScopedRows } from "./scoped-rows.ts";
import { type RowsOfServices, rowsOfServices } from "./service-rows.ts";
import { type SidecarVirtualHost, virtualHostRow } from "./sidecar-virtual-host.ts";

export interface SidecarVirtualHosts {
  readonly table: Table<Scoped<SidecarVirtualHost>>;
  /** Of `table` the mesh's, and those in layers over it. */
  readonly overMesh: Table<Scoped<SidecarVirtualHost>>;
  /** The others of `table`: those of client scopes with imports. */
  readonly imported: Table<Scoped<SidecarVirtualHost>>;
}

export function declareVirtualHosts(graph: Graph, model: Model, scopes: ClientScopes): SidecarVirtualHosts {
  const { ofServices, ofRoutes } = virtualHostRows(model);
  const overMesh = graph.union("virtual hosts over the mesh", [
    ...deriveRowsOverMesh(graph, { ...ofServices, scopes }),
    ...deriveRowsOverMesh(graph, { ...ofRoutes, scopes }),
  ]);
  const imported = graph.union("virtual hosts of imports", [
    deriveImportedRows(graph, { ...ofServices, scopes }),
    deriveImportedRows(graph, { ...ofRoutes, scopes }),
  ]);
  return { table: graph.union("virtual hosts", [overMesh, imported]), overMesh, imported };
}

interface VirtualHostRows {
  readonly ofServices: RowsOfServices<SidecarVirtualHost>;
  readonly ofRoutes: ScopedRows<HostRoutes, SidecarVirtualHost>;
}

export function virtualHostRows(model: Model): VirtualHostRows {
  const ofServices = rowsOfServices<SidecarVirtualHost>(model, {
    name: "virtual hosts of services",
    reached: "by its host",
    build: ({ input, client, read }) => hostsOfService(input, { read, model, client }),
  });
  const ofRoutes: VirtualHostRows["ofRoutes"] = {
    name: "virtual hosts of host routes",
    from: model.hostRoutes.table,
    imported: ({ routes }) => routes,
    build: ({ input, client, read }) => ruleHosts(input, { read, model, client }),
  };
  return { ofServices, ofRoutes };
}

function hostsOfService(
  service: MeshService,
  context: SidecarContext,
): ReadonlyMap<string, SidecarVirtualHost> {
  const hosts = new Map<string, SidecarVirtualHost>();
  for (const port of service.ports) {
    const names = routeNames(service, port);
    if (names.length === 0) continue;
    const ruled = ruledAliases(service, port, context);
    const host = {
      name: `${service.hostname}:${port.number}`,
      hostname: service.hostname,
      addresses: ownAddresses({ service, port, addresses: virtualAddresses(service) }, context),
      aliases: service.aliases.filter((alias) => !ruled.has(alias)),
      createdAt: service.createdAt,
      service: { namespace: service.namespace, registry: service.registry },
      isHeadless: service.resolution === "headless",
      routes: routesForService(service, port, context),
      requiresTls: false,
    };
    const ofAliases = [...ruled].map(([alias, routes]) => ({
      ...host,
      name: `${alias}:${port.number}`,
      hostname: alias,
      addresses: [],
      aliases: [],
      isHeadless: false,
      routes,
    }));
    for (const each of [host, ...ofAliases]) {
      for (const routeName of names)
        hosts.set(virtualHostRow({ routeName, name: each.name }), { ...each, routeName });
    }
  }
  return hosts;
}

/** The routes of those aliases that a VirtualService is for which isn't for the service itself. */
function ruledAliases(
  { hostname, aliases }: MeshService,
  { number: port }: MeshServicePort,
  context: SidecarContext,
) {
  const found = new Map<string, SidecarVirtualHost["routes"]>();
  for (const alias of aliases) {
    const ruled = ruledRoutes({ hostname: alias, port }, context);
    const host = ruled === undefined ? undefined : hostFor(ruled.routes.hosts, alias);
    if (ruled !== undefined && host !== undefined && !isHostnameWithin(hostname, host))
      found.set(alias, ruled.built);
  }
  return found;
}

/** Without ranges, which no client calls. */
function virtualAddresses({ addresses }: MeshService): readonly string[] {
  return addresses.filter((address) => !address.includes("/"));
}

/** HTTP stands in its port's table. A sniffed port has one of its own where it has an address or a range, for its listener. */
function routeNames(service: MeshService, { protocol, number }: MeshServicePort): readonly string[] {
  if (isHttp(protocol)) return [String(number)];
  if (!isSniffed(protocol)) return [];
  const isByAddress =
    hasOwnListener(service) || addressRanges(service).length > 0 || service.automaticAddress !== undefined;
  return isByAddress ? [String(number), `${service.hostname}:${number}`] : [String(number)];
}

function routesForService(service: MeshService, port: MeshServicePort, context: SidecarContext) {
  const { hostname } = service;
  const ruled = ruledRoutes({ hostname, port: port.number }, context);
  return ruled?.built ?? [defaultRoute(service, port, routeContext(hostname, port.number, context))];
}
