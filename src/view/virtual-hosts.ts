// The virtual hosts of sidecars: one for each service and HTTP port, and one for each host that only a
// VirtualService names. Rows by layer, route configuration and name.

import { compareHostnames, isHostnameWithin, isWildcard } from "../core/hostname.ts";
import { isHttp, isSniffed } from "../core/protocol.ts";
import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import type { Index } from "../graph/table-index.ts";
import { isClientDependent } from "../model/destination-rules.ts";
import { MESH_GATEWAY } from "../model/gateway-name.ts";
import { ownsHost } from "../model/host-owner.ts";
import type { HostRoutes } from "../model/host-routes.ts";
import { findByHost, findNamed, hostFor } from "../model/host-table.ts";
import type { Model } from "../model/model.ts";
import {
  addressRanges,
  byAge,
  hasOwnListener,
  type MeshService,
  type MeshServicePort,
} from "../model/service.ts";
import { isVisibleTo } from "../model/visibility.ts";
import type { ClientScope, ClientScopes } from "./client-scope.ts";
import { destinationsDependOnClient, isReachedBySome } from "./destination-services.ts";
import { defaultRoute, type RouteContext, routesOf } from "./http-routes.ts";
import { isContestedForSome, ownAddresses } from "./own-addresses.ts";
import type { VirtualHostInputs } from "./route-inputs.ts";
import { deriveScopedRows, type Scoped, splitLayerKey } from "./scoped-rows.ts";
import { rowsOfServices } from "./service-rows.ts";

export interface SidecarVirtualHost extends VirtualHostInputs {
  /** `9080`, or `reviews.shop.svc.cluster.local:9080` for a sniffed port with an address of its own. */
  readonly routeName: string;
  readonly hostname: string;
  readonly addresses: readonly string[];
  readonly aliases: readonly string[];
  /** Of the service; empty for a host that only a VirtualService names. Decides who keeps a name that two claim. */
  readonly createdAt: string;
  /** Undefined for a host that only a VirtualService names. */
  readonly service: Pick<MeshService, "namespace" | "registry"> | undefined;
  readonly isHeadless: boolean;
}

export interface SidecarVirtualHosts {
  readonly table: Table<Scoped<SidecarVirtualHost>>;
  /** By layer and route configuration, as `layerKey` joins them. */
  readonly byRoute: Index<Scoped<SidecarVirtualHost>>;
}

// Where no host of a VirtualService has a service there is no port either; Istio serves it where plain HTTP is.
const PORT_WITHOUT_SERVICE = 80;

export function declareVirtualHosts(graph: Graph, model: Model, scopes: ClientScopes): SidecarVirtualHosts {
  const ofService = rowsOfServices<SidecarVirtualHost>(model, {
    name: "virtual hosts of services",
    isClientDependent: ({ input, read }) => dependsOnClient(read, model, input),
    build: ({ input, client, read }) => hostsOfService(input, { read, model, client }),
  });
  const ofServices = deriveScopedRows(graph, { ...ofService, scopes });
  const ofRoutes = deriveScopedRows(graph, {
    name: "virtual hosts of host routes",
    from: model.hostRoutes.table,
    scopes,
    visibility: ({ visibility }) => visibility,
    isClientDependent: ({ input: routes, read }) =>
      routes.isClientDependent ||
      (routes.gateways.includes(MESH_GATEWAY) &&
        servicesOf(routes, { read, model }).some((service) => isReachedBySome(read, model, service))),
    build: ({ input, client, read }) => hostsWithoutService(input, { read, model, client }),
  });
  const table = graph.union("virtual hosts", [ofServices, ofRoutes]);
  const byRoute = graph.index(table, "virtual hosts by route configuration", (_row, key) => {
    const { layer, name } = splitLayerKey(key);
    return [`${layer}|${name.slice(0, name.indexOf(" "))}`];
  });
  return { table, byRoute };
}

interface Context {
  readonly read: Read;
  readonly model: Model;
  readonly client: ClientScope;
}

function dependsOnClient(read: Read, model: Model, service: MeshService): boolean {
  const routes = findByHost(read, model.hostRoutes.ofSidecars, service.hostname);
  return (
    isClientDependent(read, model.hostRules, service) ||
    isContestedForSome(service, { model, read }) ||
    routes.some(([, { visibility, isClientDependent: looks }]) => visibility !== "public" || looks) ||
    routes.some(([, each]) => destinationsDependOnClient(read, model, each))
  );
}

/** Names hold no space, so it parts the route configuration from the virtual host in a row's key. */
function rowName(routeName: string, name: string): string {
  return `${routeName} ${name}`;
}

function hostsOfService(service: MeshService, context: Context): ReadonlyMap<string, SidecarVirtualHost> {
  const hosts = new Map<string, SidecarVirtualHost>();
  for (const port of service.ports) {
    for (const routeName of routeNames(service, port)) {
      const name = `${service.hostname}:${port.number}`;
      const routes = routesForService(service, port, context);
      hosts.set(rowName(routeName, name), {
        name,
        routeName,
        hostname: service.hostname,
        addresses: ownAddresses({ service, port, addresses: virtualAddresses(service) }, context),
        aliases: service.aliases,
        createdAt: service.createdAt,
        service: { namespace: service.namespace, registry: service.registry },
        isHeadless: service.resolution === "headless",
        routes,
        requiresTls: false,
      });
    }
  }
  return hosts;
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

function routesForService(service: MeshService, port: MeshServicePort, context: Context) {
  const routeContext = contextOf(service.hostname, port.number, context);
  const routes = visibleRoutes(service.hostname, context).map((each) => routesOf(each, routeContext));
  // Several VirtualServices for one host of sidecars don't add up: the most specific, then oldest, holds.
  const first = routes.find((built) => built.length > 0);
  return first ?? [defaultRoute(service, port, routeContext)];
}

function contextOf(hostname: string, port: number, { read, model, client }: Context): RouteContext {
  return { read, model, client, port, hostname, gateways: [MESH_GATEWAY] };
}

function visibleRoutes(hostname: string, { read, model, client }: Context): readonly HostRoutes[] {
  const found = findByHost(read, model.hostRoutes.ofSidecars, hostname)
    .map(([, routes]) => routes)
    .filter(({ visibility }) => visibility === "public" || isVisibleTo(visibility, client.namespace));
  return sortedByHost(found, hostname);
}

/** The most specific host first; among equals the oldest leads. */
function sortedByHost(found: readonly HostRoutes[], hostname: string): readonly HostRoutes[] {
  return found
    .map((routes) => ({ routes, host: hostFor(routes.hosts, hostname) ?? "*" }))
    .sort((a, b) => compareHostnames(a.host, b.host) || byAge(a.routes, b.routes))
    .map(({ routes }) => routes);
}

function hostsWithoutService(routes: HostRoutes, context: Context): ReadonlyMap<string, SidecarVirtualHost> {
  const hosts = new Map<string, SidecarVirtualHost>();
  if (!routes.gateways.includes(MESH_GATEWAY)) return hosts;
  const ofServices = portsOfServices(routes, context);
  const ports = ofServices.length > 0 ? ofServices : [PORT_WITHOUT_SERVICE];
  for (const hostname of new Set(routes.hosts)) {
    if (hasService(hostname, context)) continue;
    // Another VirtualService may lead for this host.
    if (visibleRoutes(hostname, context)[0]?.object !== routes.object) continue;
    for (const port of ports) {
      const built = routesOf(routes, contextOf(hostname, port, context));
      if (built.length > 0) add(hosts, hostWithoutService(hostname, port, built));
    }
  }
  return hosts;
}

function add(hosts: Map<string, SidecarVirtualHost>, host: SidecarVirtualHost): void {
  hosts.set(rowName(host.routeName, host.name), host);
}

function hostWithoutService(
  hostname: string,
  port: number,
  routes: SidecarVirtualHost["routes"],
): SidecarVirtualHost {
  return {
    name: `${hostname}:${port}`,
    routeName: String(port),
    hostname,
    addresses: [],
    aliases: [],
    createdAt: "",
    service: undefined,
    isHeadless: false,
    routes,
    requiresTls: false,
  };
}

/** The HTTP ports of the services that a VirtualService names: its other hosts are called on them too. */
function portsOfServices(routes: HostRoutes, context: Context): readonly number[] {
  const { read, model, client } = context;
  const question = { read, claims: model.hostClaims, namespace: client.namespace };
  const ports = servicesOf(routes, context)
    .filter((service) => ownsHost(service, question))
    .flatMap((service) => service.ports.filter(({ protocol }) => isHttp(protocol) || isSniffed(protocol)));
  return [...new Set(ports.map(({ number }) => number))].sort((a, b) => a - b);
}

/** Whether or not the client reaches them. */
function servicesOf(
  { hosts }: HostRoutes,
  { read, model }: Pick<Context, "read" | "model">,
): readonly MeshService[] {
  return hosts.flatMap((host) => {
    const services = isWildcard(host)
      ? read.all(model.services).filter(([, { hostname }]) => isHostnameWithin(hostname, host))
      : findNamed(read, model.hostClaims, host);
    return services.map(([, service]) => service);
  });
}

/** A wildcard that covers services is theirs: each has its rules in its own virtual host. */
function hasService(hostname: string, { read, model, client }: Context): boolean {
  const question = { read, claims: model.hostClaims, namespace: client.namespace };
  if (findNamed(read, model.hostClaims, hostname).some(([, service]) => ownsHost(service, question)))
    return true;
  if (!isWildcard(hostname)) return false;
  return read
    .all(model.services)
    .some(
      ([, service]) =>
        isHostnameWithin(service.hostname, hostname) &&
        (service.visibility === "public" || isVisibleTo(service.visibility, client.namespace)),
    );
}
