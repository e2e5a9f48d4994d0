// Which of a service's addresses a proxy can call: those of its own IP families.

import { parseCidr } from "../core/cidr.ts";
import type { IpFamilies } from "../core/ip-families.ts";
import { automaticIpv6Address } from "../kinds/service-entry/automatic-address.ts";

/** The service's first address where none fits: a name that resolves to it is still known by it. */
export function addressesForProxy(addresses: readonly string[], families: IpFamilies): readonly string[] {
  if (families === "dual") return addresses;
  const wanted = families === "ipv6" ? 6 : 4;
  const usable = addresses.filter((address) => parseCidr(address)?.family === wanted);
  return usable.length > 0 ? usable : addresses.slice(0, 1);
}

/** One of each family, for a host that has none of its own. */
export function automaticAddresses(automaticAddress: string): readonly string[] {
  return [automaticAddress, automaticIpv6Address(automaticAddress)];
}
