// IPv4 addresses as numbers, and the CIDR ranges that pods and services get theirs from. Never allocates.

export interface Ipv4Range {
  /** As given, such as `10.244.0.0/16`. */
  readonly cidr: string;
  /** The network address as a number. */
  readonly first: number;
  readonly prefixLength: number;
  /** How many addresses, network and broadcast included. */
  readonly size: number;
}

/** Undefined for anything but `a.b.c.d/n` with n from 8 to 30 and no bits set after the prefix. */
export function parseIpv4Range(cidr: string): Ipv4Range | undefined {
  const match = /^([0-9.]+)\/(\d{1,2})$/.exec(cidr);
  const first = match?.[1] === undefined ? undefined : parseIpv4(match[1]);
  const prefixLength = Number(match?.[2]);
  if (first === undefined || !(prefixLength >= 8 && prefixLength <= 30)) return undefined;
  const size = 2 ** (32 - prefixLength);
  return first % size === 0 ? { cidr, first, prefixLength, size } : undefined;
}

/** For constants and what was checked before: throws where `parseIpv4Range` says undefined. */
export function ipv4Range(cidr: string): Ipv4Range {
  const range = parseIpv4Range(cidr);
  if (range === undefined) throw new Error(`Not an IPv4 range: ${JSON.stringify(cidr)}`);
  return range;
}

export function parseIpv4(text: string): number | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    value = value * 256 + Number(part);
  }
  return value;
}

export function formatIpv4(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");
}

export function rangeContains(range: Ipv4Range, address: number): boolean {
  return address >= range.first && address < range.first + range.size;
}

export function rangesOverlap(a: Ipv4Range, b: Ipv4Range): boolean {
  return a.first < b.first + b.size && b.first < a.first + a.size;
}

/** The `offset`th address of the range, from 0, the network address. */
export function addressAt(range: Ipv4Range, offset: number): string {
  return formatIpv4(range.first + offset);
}

/**
 * A locally administered MAC that depends on the address alone: a pod that comes back with its address
 * has the same MAC, so no neighbour keeps a stale one.
 */
export function macAddressOf(ip: string): string {
  const value = parseIpv4(ip) ?? 0;
  const bytes = [0x02, 0x4d, 24, 16, 8, 0].map((part, at) => (at < 2 ? part : (value >>> part) & 255));
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}
