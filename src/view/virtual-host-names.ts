// The names by which clients call a virtual host: those of its own namespace know it by short names too, and each
// calls it by the addresses of its own IP families.

import type { IpFamilies } from "../core/ip-families.ts";
import { addressesForProxy } from "../model/proxy-addresses.ts";
import { virtualHostDomains, writtenHostDomains } from "../model/virtual-host-domains.ts";
import type { ClientScope } from "./client-scope.ts";
import { splitLayerKey } from "./layer-id.ts";
import type { Scoped } from "./scoped-rows.ts";
import type { SidecarVirtualHost } from "./sidecar-virtual-host.ts";

/** How the usual clients, those with a domain of Kubernetes, call a virtual host: `near ipv4`, `far dual` … */
export type Spelling = `${"near" | "far"} ${IpFamilies}`;

/** What a virtual host's names follow from. */
export type NamedHost = Pick<
  SidecarVirtualHost,
  "routeName" | "hostname" | "addresses" | "aliases" | "service" | "isHeadless"
>;

export interface HostNames {
  readonly routeName: string;
  readonly createdAt: string;
  /** What follows the first label of the hostname: the domain of clients that are near. */
  readonly namespaceSuffix: string;
  /** Likewise of its aliases, where other: to clients there the host is near by its alias. */
  readonly aliasSuffixes: readonly string[];
  /** Undefined where a layer takes the virtual host away. */
  readonly host: NamedHost | undefined;
  /** For the IP families of connected clients. */
  readonly domains: Readonly<Partial<Record<Spelling, readonly string[]>>>;
}

/** What a client's names for hosts depend on. */
export type ClientNaming = Pick<ClientScope, "domain" | "families">;

interface NamingContext {
  readonly clusterDomain: string;
  readonly families: readonly IpFamilies[];
}

/** `key` is the virtual host's row key. */
export function hostNames(
  key: string,
  row: Scoped<SidecarVirtualHost>,
  { clusterDomain, families }: NamingContext,
): HostNames {
  if (row.kind === "absent") {
    const { name } = splitLayerKey(key);
    const routeName = name.slice(0, name.indexOf(" "));
    return { routeName, createdAt: "", namespaceSuffix: "", aliasSuffixes: [], host: undefined, domains: {} };
  }
  const { routeName, hostname, addresses, aliases, service, isHeadless, createdAt } = row.inputs;
  const host = { routeName, hostname, addresses, aliases, service, isHeadless };
  const namespaceSuffix = suffixOf(hostname);
  const aliasSuffixes = aliases.map(suffixOf).filter((suffix) => suffix !== namespaceSuffix);
  const domains = families.flatMap((family) => [
    [`near ${family}`, claimedDomains(host, { domain: namespaceSuffix, families: family })],
    [`far ${family}`, claimedDomains(host, { domain: `-.svc.${clusterDomain}`, families: family })],
  ]);
  return { routeName, createdAt, namespaceSuffix, aliasSuffixes, host, domains: Object.fromEntries(domains) };
}

function suffixOf(hostname: string): string {
  return hostname.slice(hostname.indexOf(".") + 1);
}

/** Whether a route configuration is a port's; else it is a single service's. */
export function isPort(routeName: string): boolean {
  return /^\d+$/.test(routeName);
}

/** The names that a virtual host claims for clients of a scope. */
export function namesForScope(names: HostNames, client: ClientScope): readonly string[] {
  const { host, domains, namespaceSuffix } = names;
  if (host === undefined) return [];
  const usual = isSpelledForAll(names, client) ? domains[spellingOf(namespaceSuffix, client)] : undefined;
  return usual ?? claimedDomains(host, client);
}

/** The client calls the host as all others do that have its domain, or don't. */
export function isSpelledForAll({ aliasSuffixes }: HostNames, { isForeign, domain }: ClientScope): boolean {
  return !isForeign && !aliasSuffixes.includes(domain);
}

export function spellingOf(namespaceSuffix: string, { domain, families }: ClientNaming): Spelling {
  return `${namespaceSuffix === domain ? "near" : "far"} ${families}`;
}

/**
 * The domains that a virtual host claims for a client. One with a listener of its own takes every host: the address
 * has chosen the service.
 */
export function claimedDomains(host: NamedHost, { domain, families }: ClientNaming): readonly string[] {
  if (host.routeName.startsWith(`${host.hostname}:`)) return ["*"];
  if (host.service === undefined) return writtenHostDomains(host.hostname);
  const addresses = addressesForProxy(host.addresses, families);
  return virtualHostDomains({ ...host, addresses, proxyDomain: domain });
}
