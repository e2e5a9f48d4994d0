// The domains of virtual hosts: the names under which a client may call a service on one port, or a host of a rule.
// Ports aren't in them: Envoy strips a port from the Host header before it matches.

import { isIpAddress } from "../core/cidr.ts";
import { isWildcard } from "../core/hostname.ts";

export interface VirtualHostDomainsFacts {
  readonly hostname: string;
  /** Other hostnames that lead to the same service (ExternalName services). */
  readonly aliases?: readonly string[];
  /** Addresses that this client may call it by; IPv6 without brackets. */
  readonly addresses: readonly string[];
  /** `shop.svc.cluster.local` for a client in namespace shop. */
  readonly proxyDomain: string;
  /** Each pod of the service has a name of its own below the service's. */
  readonly isHeadless?: boolean;
}

/** All domains: hostname, its absolute form with the final dot, short names, aliases alike, then addresses. */
export function virtualHostDomains({
  hostname,
  aliases = [],
  addresses,
  proxyDomain,
  isHeadless = false,
}: VirtualHostDomainsFacts): readonly string[] {
  const names = [hostname, ...aliases].flatMap((name) => [
    ...writtenHostDomains(name),
    ...alternativeHostnames(name, proxyDomain),
  ]);
  const ofPods = isHeadless ? names.map((name) => `*.${name}`) : [];
  return [...new Set([...names, ...ofPods, ...addresses.filter(isSpecific).map(bracketed)])];
}

/** A host that only a VirtualService or Gateway names has no other name than the one written, and its absolute form. */
export function writtenHostDomains(host: string): readonly string[] {
  return isIpAddress(host) || host === "*" ? [bracketed(host)] : [host, `${host}.`];
}

/** How far the alternative names of a hostname reach for a client, most specific first, without the hostname itself. */
export function alternativeHostnames(hostname: string, proxyDomain: string): readonly string[] {
  if (isWildcard(hostname)) return [];
  return proxyDomain.includes(".svc.")
    ? kubernetesAlternatives(hostname, proxyDomain)
    : sharedDomainAlternatives(hostname, proxyDomain);
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

function isSpecific(address: string): boolean {
  return address !== "0.0.0.0" && address !== "::";
}

function kubernetesAlternatives(hostname: string, proxyDomain: string): readonly string[] {
  const beforeService = hostname.indexOf(".svc.");
  const clusterSuffix = proxyDomain.slice(proxyDomain.indexOf(".svc."));
  // Short names of another cluster's domain could be taken for services of this one.
  if (beforeService < 0 || !hostname.endsWith(clusterSuffix)) return [];
  const name = hostname.slice(0, hostname.indexOf("."));
  const qualified = hostname.slice(0, beforeService);
  const namespace = qualified.slice(name.length + 1);
  if (namespace === "") return [];
  const isSameNamespace = namespace === proxyDomain.slice(0, proxyDomain.indexOf(".svc."));
  return isSameNamespace ? [name, `${qualified}.svc`, qualified] : [qualified, `${qualified}.svc`];
}

/** Outside Kubernetes: what is left of the hostname once the domain shared with the client is cut off. */
function sharedDomainAlternatives(hostname: string, proxyDomain: string): readonly string[] {
  const hostLabels = hostname.split(".");
  const proxyLabels = proxyDomain.split(".");
  let shared = 0;
  while (
    shared < Math.min(hostLabels.length, proxyLabels.length) &&
    hostLabels[hostLabels.length - 1 - shared] === proxyLabels[proxyLabels.length - 1 - shared]
  ) {
    shared++;
  }
  const unique = hostLabels.slice(0, hostLabels.length - shared);
  if (shared === 0 || unique.length === 0) return [];
  const uniqueName = unique.join(".");
  // `name.namespace` is also called with the first label of the shared domain: name.namespace.svc.
  return unique.length === 2 ? [uniqueName, `${uniqueName}.${hostLabels[unique.length]}`] : [uniqueName];
}
