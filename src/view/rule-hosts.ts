// The virtual hosts of hosts that only a VirtualService names: no service has them, and wildcards that cover services are
// those services' own.

import { isHostnameWithin, isWildcard } from "../core/hostname.ts";
import { isHttp, isSniffed } from "../core/protocol.ts";
import { MESH_GATEWAY } from "../model/gateway-name.ts";
import { ownsHost } from "../model/host-owner.ts";
import type { HostRoutes } from "../model/host-routes.ts";
import { findByHost, findNamed } from "../model/host-table.ts";
import type { MeshService } from "../model/service.ts";
import { isVisibleTo } from "../model/visibility.ts";
import { destinationsDependOnClient, isReachedBySome } from "./destination-services.ts";
import { ruledRoutes, type SidecarContext } from "./ruled-routes.ts";
import { type SidecarVirtualHost, virtualHostRow } from "./sidecar-virtual-host.ts";

// Where no host of a VirtualService has a service there is no port either; Istio serves it where plain HTTP is.
const PORT_WITHOUT_SERVICE = 80;

type Lookup = Pick<SidecarContext, "read" | "model">;

/** By route configuration and name, as the rows of services are. */
export function ruleHosts(
  routes: HostRoutes,
  context: SidecarContext,
): ReadonlyMap<string, SidecarVirtualHost> {
  const hosts = new Map<string, SidecarVirtualHost>();
  if (!routes.gateways.includes(MESH_GATEWAY)) return hosts;
  const ports = portsOf(routes, context);
  for (const hostname of new Set(routes.hosts)) {
    if (hasService(hostname, context)) continue;
    for (const port of ports) {
      const ruled = ruledRoutes({ hostname, port }, context);
      // Another VirtualService may lead for this host.
      if (ruled?.routes.object !== routes.object) continue;
      const host = ruleHost({ hostname, port, routes: ruled.built });
      hosts.set(virtualHostRow(host), host);
    }
  }
  return hosts;
}

export function ruleHostsDependOnClient(routes: HostRoutes, { read, model }: Lookup): boolean {
  if (!routes.gateways.includes(MESH_GATEWAY)) return false;
  const rivals = routes.hosts.flatMap((host) => findByHost(read, model.hostRoutes.ofSidecars, host));
  const services = [...servicesWithin(routes, { read, model }), ...servicesAround(routes, { read, model })];
  return (
    routes.isClientDependent ||
    rivals.some(([, { visibility, isClientDependent }]) => visibility !== "public" || isClientDependent) ||
    services.some((service) => isReachedBySome(read, model, service)) ||
    destinationsDependOnClient(read, model, routes)
  );
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
 * Those of the services that the VirtualService names, on which its other hosts are called too; and those of
 * ServiceEntries whose wildcard stands for one of its hosts, on which clients call that.
 */
function portsOf(routes: HostRoutes, context: SidecarContext): readonly number[] {
  const ofServices = httpPorts(servicesWithin(routes, context), context);
  const own = ofServices.length > 0 ? ofServices : [PORT_WITHOUT_SERVICE];
  const ofWildcards = httpPorts(servicesAround(routes, context), context);
  return [...new Set([...own, ...ofWildcards])].sort((a, b) => a - b);
}

function httpPorts(
  services: readonly MeshService[],
  { read, model, client }: SidecarContext,
): readonly number[] {
  const question = { read, claims: model.hostClaims, namespace: client.namespace };
  return services
    .filter((service) => ownsHost(service, question))
    .flatMap(({ ports }) => ports.filter(({ protocol }) => isHttp(protocol) || isSniffed(protocol)))
    .map(({ number }) => number);
}

/** Whether or not the client reaches them. */
function servicesWithin({ hosts }: HostRoutes, { read, model }: Lookup): readonly MeshService[] {
  return hosts.flatMap((host) => {
    const services = isWildcard(host)
      ? read.all(model.services).filter(([, { hostname }]) => isHostnameWithin(hostname, host))
      : findNamed(read, model.hostClaims, host);
    return services.map(([, service]) => service);
  });
}

function servicesAround({ hosts }: HostRoutes, { read, model }: Lookup): readonly MeshService[] {
  return hosts.flatMap((host) =>
    findByHost(read, model.hostClaims, host)
      .map(([, service]) => service)
      .filter(({ hostname }) => hostname !== host),
  );
}

function hasService(hostname: string, { read, model, client }: SidecarContext): boolean {
  const question = { read, claims: model.hostClaims, namespace: client.namespace };
  if (findNamed(read, model.hostClaims, hostname).some(([, service]) => ownsHost(service, question)))
    return true;
  if (!isWildcard(hostname)) return false;
  return read
    .all(model.services)
    .some(
      ([, service]) =>
        isHostnameWithin(service.hostname, hostname) && isVisibleTo(service.visibility, client.namespace),
    );
}
