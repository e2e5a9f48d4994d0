// Which of a service's addresses a proxy can call: those of its own IP families.

import { parseCidr } from "../core/cidr.ts";

export type IpFamilies = "ipv4" | "ipv6" | "dual";

/** Of a proxy with these addresses; IPv4 where none tells. */
export function ipFamiliesOf(proxyAddresses: readonly string[]): IpFamilies {
  const families = new Set(proxyAddresses.map((address) => parseCidr(address)?.family));
  if (families.has(6)) return families.has(4) ? "dual" : "ipv6";
  return "ipv4";
}

/** The service's first address where none fits: a name that resolves to it is still known by it. */
export function addressesForProxy(addresses: readonly string[], families: IpFamilies): readonly string[] {
  if (families === "dual") return addresses;
  const wanted = families === "ipv6" ? 6 : 4;
  const usable = addresses.filter((address) => parseCidr(address)?.family === wanted);
  return usable.length > 0 ? usable : addresses.slice(0, 1);
}
