// IP addresses and ranges in text, such as `10.0.0.0/8` or `fd00::1`.

import { isIP } from "node:net";

export interface Cidr {
  readonly family: 4 | 6;
  /** The first address of the range, as a number. */
  readonly base: bigint;
  readonly prefixLength: number;
}

// ::ffff:0:0/96, as a socket of both families shows an IPv4 peer.
const IPV4_MAPPED = 0xffffn;

/** An address alone is a range of one; undefined where the text is neither. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf("/");
  const address = slash === -1 ? text : text.slice(0, slash);
  const family = isIP(address);
  if (family !== 4 && family !== 6) return undefined;
  const bits = family === 4 ? 32 : 128;
  const prefix = slash === -1 ? String(bits) : text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > bits || address.includes("%")) return undefined;
  const hostBits = BigInt(bits - Number(prefix));
  return {
    family,
    base: (addressNumber(address, family) >> hostBits) << hostBits,
    prefixLength: Number(prefix),
  };
}

/** The same for all spellings of one address; an IPv4 address inside an IPv6 one is itself. Undefined for anything else. */
export function addressKey(text: string): string | undefined {
  if (isIP(text) === 4) return `4 ${ipv4Number(text)}`;
  const parsed = text.includes("/") ? undefined : parseCidr(text);
  if (parsed === undefined) return undefined;
  const { family, base } = parsed;
  return family === 6 && base >> 32n === IPV4_MAPPED ? `4 ${base & 0xffffffffn}` : `${family} ${base}`;
}

/** The address of a range that holds no other, such as `10.0.0.1/32`. */
export function rangeOfOne(text: string): string | undefined {
  const range = text.includes("/") ? parseCidr(text) : undefined;
  return range?.prefixLength === (range?.family === 4 ? 32 : 128)
    ? text.slice(0, text.indexOf("/"))
    : undefined;
}

export function isIpAddress(text: string): boolean {
  return isIP(text) !== 0 && !text.includes("%");
}

/** `0.0.0.0` or `::`, however it is spelled. */
export function isUnspecifiedAddress(text: string): boolean {
  const range = text.includes("/") ? undefined : parseCidr(text);
  return range?.base === 0n;
}

/** `127.0.0.1` or `::1`, however it is spelled. */
export function isLoopbackAddress(text: string): boolean {
  const range = text.includes("/") ? undefined : parseCidr(text);
  return range !== undefined && range.base === (range.family === 4 ? 0x7f000001n : 1n);
}

/** False where the families differ. */
export function cidrContains(range: Cidr, inner: Cidr): boolean {
  if (range.family !== inner.family || inner.prefixLength < range.prefixLength) return false;
  const hostBits = BigInt((range.family === 4 ? 32 : 128) - range.prefixLength);
  return inner.base >> hostBits === range.base >> hostBits;
}

function addressNumber(address: string, family: 4 | 6): bigint {
  if (family === 4) return BigInt(ipv4Number(address));
  return ipv6Groups(address).reduce((sum, group) => sum * 65536n + BigInt(group), 0n);
}

function ipv4Number(address: string): number {
  return address.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0);
}

function ipv6Groups(address: string): number[] {
  const [head = "", tail] = address.split("::");
  const front = groupsOf(head);
  if (tail === undefined) return front;
  const back = groupsOf(tail);
  return [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back];
}

function groupsOf(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (!group.includes(".")) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split(".").map(Number); // ::ffff:10.0.0.1
    return [a * 256 + b, c * 256 + d];
  });
}
