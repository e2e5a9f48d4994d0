// Which of a service's addresses a proxy can call: those of its own IP families.

import { parseCidr } from "../core/cidr.ts";
import type { IpFamilies } from "../core/ip-families.ts";

/** The service's first address where none fits: a name that resolves to it is still known by it. */
export function addressesForProxy(addresses: readonly string[], families: IpFamilies): readonly string[] {
  if (families === "dual") return addresses;
  const wanted = families === "ipv6" ? 6 : 4;
  const usable = addresses.filter((address) => parseCidr(address)?.family === wanted);
  return usable.length > 0 ? usable : addresses.slice(0, 1);
}
