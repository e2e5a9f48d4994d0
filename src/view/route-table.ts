// The virtual hosts of one route configuration settled among themselves: Envoy refuses the whole of it if a domain or
// a name appears twice.

export interface DomainClaim {
  readonly name: string;
  /** Its own name first, then those that it is also called by. */
  readonly domains: readonly string[];
}

/** Whether `claim` keeps a name that it is also called by from `other`, whose own name that is. */
export type KeepsAlternative<C extends DomainClaim> = (claim: C, other: C) => boolean;

/**
 * The domains left to each claim, in the order of the claims: a name of one's own stands before another's alternative,
 * unless that other one keeps it; else the earlier claim holds. Empty where nothing is left: such a virtual host is
 * dropped. Case doesn't matter.
 */
export function settleDomains<C extends DomainClaim>(
  claims: readonly C[],
  keepsAlternative: KeepsAlternative<C> = () => false,
): readonly (readonly string[])[] {
  const names = new Set<string>();
  const standing = claims.map((claim) => ({ claim, domains: isNew(names, claim.name) ? claim.domains : [] }));
  const owners = new Map<string, Ownership<C>>();
  for (const { claim, domains } of standing) {
    const [own] = domains;
    if (own !== undefined) claimOwn(owners, own, claim);
  }
  for (const { claim, domains } of standing) {
    for (const domain of domains.slice(1)) claimAlternative(owners, domain, { claim, keepsAlternative });
  }
  return standing.map(({ claim, domains }) => {
    const kept = new Set<string>();
    return domains.filter((domain) => owners.get(keyOf(domain))?.claim === claim && isNew(kept, domain));
  });
}

interface Ownership<C> {
  readonly claim: C;
  readonly isOwnName: boolean;
}

function claimOwn<C>(owners: Map<string, Ownership<C>>, domain: string, claim: C): void {
  const key = keyOf(domain);
  if (!owners.has(key)) owners.set(key, { claim, isOwnName: true });
}

interface AlternativeClaim<C extends DomainClaim> {
  readonly claim: C;
  readonly keepsAlternative: KeepsAlternative<C>;
}

function claimAlternative<C extends DomainClaim>(
  owners: Map<string, Ownership<C>>,
  domain: string,
  { claim, keepsAlternative }: AlternativeClaim<C>,
): void {
  const key = keyOf(domain);
  const owner = owners.get(key);
  if (
    owner === undefined ||
    (owner.isOwnName && owner.claim !== claim && keepsAlternative(claim, owner.claim))
  )
    owners.set(key, { claim, isOwnName: false });
}

function isNew(seen: Set<string>, name: string): boolean {
  const key = keyOf(name);
  return !seen.has(key) && seen.add(key) !== undefined;
}

function keyOf(domain: string): string {
  return domain.toLowerCase();
}
