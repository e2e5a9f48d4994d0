// Which of a service's addresses a proxy can call: those of its own IP families.

import { type Cidr, parseCidr } from "../core/cidr.ts";

export interface ProxyFamilies {
  /** Of the proxy itself. */
  readonly proxyAddresses: readonly string[];
  /** The mesh serves both families at once; without it a proxy of both gets the family that a service names first. */
  readonly isDualStack: boolean;
}

/** The service's first address where none fits: a name that resolves to it is still known by it. */
export function addressesForProxy(
  addresses: readonly string[],
  { proxyAddresses, isDualStack }: ProxyFamilies,
): readonly string[] {
  const families = new Set(proxyAddresses.map(familyOf));
  const usable = addresses.filter((address) => families.has(familyOf(address)));
  const [first] = usable;
  if (first === undefined) return addresses.slice(0, 1);
  return isDualStack ? usable : usable.filter((address) => familyOf(address) === familyOf(first));
}

function familyOf(address: string): Cidr["family"] | undefined {
  return parseCidr(address)?.family;
}
