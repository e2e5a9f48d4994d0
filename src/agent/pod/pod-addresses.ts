// The pod's own addresses as its interfaces have them, without loopback and link-local ones.

import type { NetworkInterfaceInfo } from "node:os";

type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

/** `first` (what kubelet calls the pod's IP) leads, where it is given. */
export function podAddresses(interfaces: Interfaces, first: string | undefined): readonly string[] {
  const own = Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !/^fe[89ab]|^169\.254\./i.test(address))
    .map(({ address }) => address);
  return [...new Set([...(first ? [first] : []), ...own])];
}

/** Whether IPv6 must be intercepted too. */
export function hasIpv6(addresses: readonly string[]): boolean {
  return addresses.some((address) => address.includes(":"));
}
