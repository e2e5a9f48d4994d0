// The virtual hosts of hosts that only a VirtualService names: no service has them on the port in question, and wildcards
// that cover services with it are those services' own.

import { isHostnameWithin, isWildcard, qualifyHostname } from "../core/hostname.ts";
import { isHttp, isSniffed } from "../core/protocol.ts";
import type { HttpRouteDestination } from "../kinds/virtual-service/destination.ts";
import { MESH_GATEWAY } from "../model/gateway-name.ts";
import { destinationCalled, everyServiceCalled, ownsHost, serviceCalled } from "../model/host-owner.ts";
import type { HostRoutes } from "../model/host-routes.ts";
import { findByHost } from "../model/host-table.ts";
import type { MeshService } from "../model/service.ts";
import { ruledRoutes, type SidecarContext } from "./ruled-routes.ts";
import { type SidecarVirtualHost, virtualHostRow } from "./sidecar-virtual-host.ts";

// A host without a service has no port either; Istio serves it where plain HTTP is.
const PORT_WITHOUT_SERVICE = 80;

type Lookup = Pick<SidecarContext, "read" | "model">;

/** By route configuration and name, as the rows of services are. */
export function ruleHosts(
  routes: HostRoutes,
  context: SidecarContext,
): ReadonlyMap<string, SidecarVirtualHost> {
  const hosts = new Map<string, SidecarVirtualHost>();
  if (!routes.gateways.includes(MESH_GATEWAY) || !context.client.follows(routes)) return hosts;
  const ports = portsOf(routes, context);
  for (const hostname of new Set(routes.hosts)) {
    const services = servicesOf(hostname, context);
    for (const port of ports) {
      if (services.some((service) => hasPort(service, port))) continue;
      if (services.length > 0 && !leadsSomewhere(routes, port, context)) continue;
      const ruled = ruledRoutes({ hostname, port }, context);
      // Another VirtualService may lead for this host.
      if (ruled?.routes.object !== routes.object) continue;
      const host = ruleHost({ hostname, port, routes: ruled.built });
      hosts.set(virtualHostRow(host), host);
    }
  }
  return hosts;
}

interface RuledHost extends Pick<SidecarVirtualHost, "hostname" | "routes"> {
  readonly port: number;
}

function ruleHost({ hostname, port, routes }: RuledHost): SidecarVirtualHost {
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

/**
 * Beside the usual one, those of the services that the VirtualService names, on which its other hosts are called too; and
 * those of ServiceEntries whose wildcard stands for one of its hosts, on which clients call that.
 */
function portsOf(routes: HostRoutes, context: SidecarContext): readonly number[] {
  const ofServices = httpPorts(servicesWithin(routes.hosts, context), context);
  const ofWildcards = httpPorts(servicesAround(routes, context), context);
  return [...new Set([PORT_WITHOUT_SERVICE, ...ofServices, ...ofWildcards])].sort((a, b) => a - b);
}

function httpPorts(
  services: readonly MeshService[],
  { read, model, client }: SidecarContext,
): readonly number[] {
  const lookup = { read, claims: model.hostClaims, client };
  return services
    .filter((service) => ownsHost(service, lookup))
    .flatMap(({ ports }) => ports.filter(({ protocol }) => isHttp(protocol) || isSniffed(protocol)))
    .map(({ number }) => number);
}

/** Whether or not the client reaches them. */
function servicesWithin(hosts: readonly string[], { read, model }: Lookup): readonly MeshService[] {
  return hosts.flatMap((host) => {
    if (!isWildcard(host)) return everyServiceCalled(host, { read, claims: model.hostClaims });
    return read
      .all(model.services)
      .map(([, service]) => service)
      .filter(({ hostname, aliases }) => [hostname, ...aliases].some((name) => isHostnameWithin(name, host)));
  });
}

function servicesAround({ hosts }: HostRoutes, { read, model }: Lookup): readonly MeshService[] {
  return hosts.flatMap((host) =>
    findByHost(read, model.hostClaims, host)
      .map(([, service]) => service)
      .filter(({ hostname }) => hostname !== host),
  );
}

/** That the client reaches by the host, or by that of an ExternalName Service; or that a wildcard covers. */
function servicesOf(hostname: string, context: SidecarContext): readonly MeshService[] {
  const { read, model, client } = context;
  if (!isWildcard(hostname)) {
    const lookup = { read, claims: model.hostClaims, client };
    return [serviceCalled(hostname, lookup)].filter((service) => service !== undefined);
  }
  return servicesWithin([hostname], context).filter((service) => client.imports(service));
}

function hasPort({ ports }: MeshService, port: number): boolean {
  return ports.some(({ number }) => number === port);
}

/**
 * Istio takes the port that was called for a destination's where none is written: a service's own routes, by a port that
 * it doesn't have, then lead to nothing.
 */
function leadsSomewhere(
  { http }: HostRoutes,
  port: number,
  { read, model, client }: SidecarContext,
): boolean {
  const { clusterDomain } = read.one(model.settings);
  const lookup = { read, claims: model.hostClaims, client };
  return http.some(({ rule: { route = [] }, namespace }) => {
    const isReached = ({ destination }: HttpRouteDestination) => {
      if (destination.port !== undefined) return true;
      const service = destinationCalled(qualifyHostname(destination.host, namespace, clusterDomain), lookup);
      return service !== undefined && hasPort(service, port);
    };
    return route.length === 0 || route.some(isReached);
  });
}
