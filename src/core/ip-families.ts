// Which of IPv4 and IPv6 a pod has. Where it has both, IPv4 comes first.

import { parseCidr } from "./cidr.ts";

export const IP_FAMILIES = ["ipv4", "ipv6", "dual"] as const;
export type IpFamilies = (typeof IP_FAMILIES)[number];

/** One value and, for a pod of both families, a second one. */
export type OfFamilies<T> = readonly [T] | readonly [T, T];

/** Of a pod with these addresses; IPv4 where none tells. */
export function ipFamiliesOf(addresses: readonly string[]): IpFamilies {
  const families = new Set(addresses.map((address) => parseCidr(address)?.family));
  if (families.has(6)) return families.has(4) ? "dual" : "ipv6";
  return "ipv4";
}

const WILDCARDS = { ipv4: "0.0.0.0", ipv6: "::" };
const LOOPBACKS = { ipv4: "127.0.0.1", ipv6: "::1" };
// From the pod's own address, a connection of the sidecar to its application would be taken for a call of the
// application to itself; from here, the capture rules let it through.
const APP_SOURCES = { ipv4: "127.0.0.6", ipv6: "::6" };

/** What listens to every address of the pod. */
export function wildcardsOf(families: IpFamilies): OfFamilies<string> {
  return ofFamilies(families, WILDCARDS);
}

export function loopbacksOf(families: IpFamilies): OfFamilies<string> {
  return ofFamilies(families, LOOPBACKS);
}

/** Where the sidecar's connections to its own application come from. */
export function appSourcesOf(families: IpFamilies): OfFamilies<string> {
  return ofFamilies(families, APP_SOURCES);
}

function ofFamilies<T>(
  families: IpFamilies,
  { ipv4, ipv6 }: { readonly ipv4: T; readonly ipv6: T },
): OfFamilies<T> {
  switch (families) {
    case "ipv4":
      return [ipv4];
    case "ipv6":
      return [ipv6];
    case "dual":
      return [ipv4, ipv6];
  }
}
