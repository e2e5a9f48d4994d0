// Which VirtualServices a gateway's server takes, and for which hosts.

import { isWildcard } from "../../core/hostname.ts";
import { createHostnameSet, type HostnameSet } from "../../core/hostname-overlaps.ts";
import type { GatewayServer } from "../../model/gateway-servers.ts";
import { byNearness, type HostRoutes } from "../../model/host-routes.ts";
import type { GatewayContext } from "./gateway-context.ts";

export interface Binding {
  readonly server: GatewayServer;
  readonly routes: HostRoutes;
  /** That both name: of two that overlap the narrower one. At least one. */
  readonly hosts: readonly string[];
}

/** The VirtualServices that name the server's Gateway and one of its hosts, nearest to the gateway's namespace first. */
export function bindingsOf(
  server: GatewayServer,
  { model, read, client }: GatewayContext,
): readonly Binding[] {
  const hostsByNamespace = new Map<string, HostnameSet>();
  return read
    .find(model.hostRoutes.byGateway, server.gateway)
    .map(([, routes]) => routes)
    .filter(({ visibility }) => client.sees(visibility))
    .sort(byNearness(client))
    .flatMap((routes): Binding[] => {
      const { namespace } = routes;
      const taken = hostsByNamespace.get(namespace) ?? hostsTakenFrom(namespace, server);
      hostsByNamespace.set(namespace, taken);
      const hosts = routes.hosts.flatMap((host) => boundHosts(host, taken));
      return hosts.length === 0 ? [] : [{ server, routes, hosts }];
    });
}

/** What a server serves of TLS server names that a VirtualService of the namespace matches: no more than its own hosts. */
export function servedNames(
  serverNames: readonly string[],
  namespace: string,
  server: GatewayServer,
): readonly string[] {
  const taken = hostsTakenFrom(namespace, server);
  return [...new Set(serverNames.flatMap((name) => boundHosts(name, taken)))];
}

/** Those of one host, of all servers. */
export type BindingsByHost = ReadonlyMap<string, readonly Binding[]>;

export function groupByHost(bindings: readonly Binding[]): BindingsByHost {
  const byHost = new Map<string, Binding[]>();
  for (const binding of bindings) {
    for (const host of new Set(binding.hosts)) {
      const others = byHost.get(host);
      if (others === undefined) byHost.set(host, [binding]);
      else others.push(binding);
    }
  }
  return byHost;
}

function hostsTakenFrom(namespace: string, { hosts }: GatewayServer): HostnameSet {
  const taken = hosts.filter((each) => each.namespace === "*" || each.namespace === namespace);
  return createHostnameSet(taken.map(({ host }) => host));
}

/** A wildcard that the server has too is served as it is, else also for the server's hosts within it. */
function boundHosts(host: string, taken: HostnameSet): readonly string[] {
  const isTaken = taken.contains(host);
  if (!isWildcard(host)) return isTaken ? [host] : [];
  if (taken.has(host) || taken.has("*")) return [host];
  return isTaken ? [host, ...taken.within(host)] : taken.within(host);
}
