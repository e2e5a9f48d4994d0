// The little that capture needs of addresses: is it a range, of which family, and is it loopback.

import { BlockList, isIP, isIPv6 } from "node:net";
import type { AddressFamily } from "./rule.ts";

/** A range as the rules have it (`10.0.0.0/8`; a bare address becomes `/32` or `/128`), or undefined when it is none. */
export function parseRange(text: string): string | undefined {
  const [address = "", prefix, ...rest] = text.trim().split("/");
  const bits = isIP(address) === 6 ? 128 : 32;
  if (isIP(address) === 0 || rest.length > 0) return undefined;
  if (prefix === undefined) return `${address}/${bits}`;
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= bits ? `${address}/${Number(prefix)}` : undefined;
}

export function addressFamily(range: string): AddressFamily {
  return isIPv6(addressOf(range)) ? "ipv6" : "ipv4";
}

export function isLoopbackRange(range: string): boolean {
  const loopback = new BlockList();
  loopback.addSubnet("127.0.0.0", 8, "ipv4");
  loopback.addAddress("::1", "ipv6");
  return loopback.check(addressOf(range), addressFamily(range));
}

function addressOf(range: string): string {
  return range.split("/")[0] ?? "";
}
