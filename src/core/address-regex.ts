// Ranges of IP addresses as regular expressions over Envoy's text of an address, such as `10.0.0.7:9000`: CEL has no
// other way to say them.

import { parseCidr } from "./cidr.ts";

/**
 * Of an address or range, for the whole text, port included. Undefined for what is neither, and for ranges of IPv6
 * whose addresses have no common beginning as text.
 */
export function addressRegex(text: string): string | undefined {
  const range = parseCidr(text);
  if (range === undefined) return undefined;
  const [prefix = ""] = text.split("/");
  return range.family === 6
    ? ipv6Regex(prefix, range.prefixLength)
    : `${ipv4Regex(prefix, range.prefixLength)}:[0-9]+`;
}

const OCTET = "[0-9]+";

function ipv4Regex(prefix: string, length: number): string {
  const parts = prefix.split(".").map((octet, at) => {
    const bits = Math.min(Math.max(length - 8 * at, 0), 8);
    if (bits === 0) return OCTET;
    const size = 2 ** (8 - bits);
    const first = Math.floor(Number(octet) / size) * size;
    const values = Array.from({ length: size }, (_, step) => first + step);
    return values.length === 1 ? String(first) : `(?:${values.join("|")})`;
  });
  return parts.join("\\.");
}

/**
 * Envoy writes the shortest form, in which a run of zeros is left out: only groups that aren't zero stand where they
 * are looked for.
 */
function ipv6Regex(prefix: string, length: number): string | undefined {
  if (length === 0) return "\\[.*";
  const groups = groupsOf(prefix);
  if (length === 128) return `\\[${shortest(prefix)}\\]:[0-9]+`;
  const leading = groups.slice(0, length / 16);
  if (length % 16 !== 0 || leading.includes("0")) return undefined;
  return `\\[${leading.join(":")}:.*`;
}

function shortest(address: string): string {
  return new URL(`http://[${address}]/`).hostname.slice(1, -1);
}

function groupsOf(address: string): readonly string[] {
  const [head = "", tail] = shortest(address).split("::");
  const split = (text: string) => (text === "" ? [] : text.split(":"));
  if (tail === undefined) return split(head);
  const [first, last] = [split(head), split(tail)];
  return [...first, ...Array<string>(8 - first.length - last.length).fill("0"), ...last];
}
