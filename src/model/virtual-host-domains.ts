// The names under which a client may call a service on one port, as the domains of a virtual host.
// Ports aren't in them: Envoy strips a port from the Host header before it matches.

/** How far the alternative names of a hostname reach for a client, most specific first, without the hostname itself. */
export function alternativeHostnames(hostname: string, proxyDomain: string): readonly string[] {
  if (hostname.startsWith("*")) return [];
  return proxyDomain.includes(".svc.")
    ? kubernetesAlternatives(hostname, proxyDomain)
    : sharedDomainAlternatives(hostname, proxyDomain);
}

export interface VirtualHostDomainsFacts {
  readonly hostname: string;
  /** Other hostnames that lead to the same service (ExternalName services). */
  readonly aliases?: readonly string[];
  /** Addresses that this client may call it by; IPv6 without brackets. */
  readonly addresses: readonly string[];
  /** `shop.svc.cluster.local` for a client in namespace shop. */
  readonly proxyDomain: string;
}

/** All domains: hostname, its absolute form with the final dot, short names, aliases alike, then addresses. */
export function virtualHostDomains({
  hostname,
  aliases = [],
  addresses,
  proxyDomain,
}: VirtualHostDomainsFacts): readonly string[] {
  const domains = new Set<string>();
  for (const name of [hostname, ...aliases]) {
    domains.add(name);
    if (!name.startsWith("*")) domains.add(`${name}.`);
    for (const alternative of alternativeHostnames(name, proxyDomain)) domains.add(alternative);
  }
  for (const address of addresses) domains.add(address.includes(":") ? `[${address}]` : address);
  return [...domains];
}

function kubernetesAlternatives(hostname: string, proxyDomain: string): readonly string[] {
  const beforeService = hostname.indexOf(".svc.");
  if (beforeService < 0) return [];
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
