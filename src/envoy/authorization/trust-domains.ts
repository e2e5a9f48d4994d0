// A mesh that has had several trust domains knows a workload by each of them: a principal of one stands for all.

// In principals it means the mesh's own trust domain, whatever that is.
const OWN_TRUST_DOMAIN = "cluster.local";

/** `old/ns/shop/sa/web` → the same of every trust domain of the mesh. One of another trust domain stays as it is. */
export function principalsOfTrustDomains(
  principal: string,
  trustDomains: readonly string[],
): readonly string[] {
  const [written = "", ...path] = principal.split("/");
  if (trustDomains.length === 0 || path.length !== 4 || written === "*") return [principal];
  const isOfMesh = written === OWN_TRUST_DOMAIN || trustDomains.some((domain) => matches(written, domain));
  if (!isOfMesh) return [principal];
  // A pattern that takes a trust domain in stays, and takes it in once.
  const all = trustDomains.map((domain) =>
    written.startsWith("*") && matches(written, domain) ? principal : [domain, ...path].join("/"),
  );
  return [...new Set(all)];
}

/** A trust domain of the mesh stands for all of them. */
export function expandTrustDomains(
  written: readonly string[],
  trustDomains: readonly string[],
): readonly string[] {
  return [...new Set(written.flatMap((domain) => (trustDomains.includes(domain) ? trustDomains : [domain])))];
}

function matches(pattern: string, domain: string): boolean {
  if (pattern.startsWith("*")) return domain.endsWith(pattern.slice(1));
  if (pattern.endsWith("*")) return domain.startsWith(pattern.slice(0, -1));
  return pattern === domain;
}
