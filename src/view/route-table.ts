// The virtual hosts of one route configuration settled among themselves: Envoy refuses the whole of it if a domain or
// a name appears twice.

export interface DomainClaim {
  readonly name: string;
  /** Its own name first, then those that it is also called by. */
  readonly domains: readonly string[];
}

/**
 * The domains left to each claim, in the order of the claims: a name of one's own stands before another's alternative,
 * else the earlier claim holds. Empty where nothing is left: such a virtual host is dropped. Case doesn't matter.
 */
export function settleDomains(claims: readonly DomainClaim[]): readonly (readonly string[])[] {
  const names = new Set<string>();
  const standing = claims.map(({ name, domains }) => (isNew(names, name) ? domains : []));
  const owners = new Map<string, number>();
  for (const [at, [own]] of standing.entries()) claim(owners, own, at);
  for (const [at, [, ...others]] of standing.entries()) {
    for (const domain of others) claim(owners, domain, at);
  }
  return standing.map((domains, at) => {
    const kept = new Set<string>();
    return domains.filter((domain) => owners.get(domain.toLowerCase()) === at && isNew(kept, domain));
  });
}

function isNew(seen: Set<string>, name: string): boolean {
  const key = name.toLowerCase();
  return !seen.has(key) && seen.add(key) !== undefined;
}

function claim(owners: Map<string, number>, domain: string | undefined, at: number): void {
  const key = domain?.toLowerCase();
  if (key !== undefined && !owners.has(key)) owners.set(key, at);
}
