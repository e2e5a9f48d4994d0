// Addresses that the control plane never asks for keys, whoever's name or redirect leads there: its own machine's, and
// those where clouds tell a machine its credentials. Who may write a policy may not so reach what the control plane can.

import { type Cidr, cidrContains, parseCidr } from "../core/cidr.ts";

export interface AddressRules {
  /** Forbidden too, such as an administrator's own network. */
  readonly forbidden?: readonly Cidr[];
  /** Allowed whatever else says. */
  readonly allowed?: readonly Cidr[];
}

/** `a loopback address`; undefined where the address may be asked. */
export function whyForbidden(
  address: string,
  { forbidden = [], allowed = [] }: AddressRules,
): string | undefined {
  const whole = parseCidr(address);
  if (whole === undefined) return "not an IP address";
  const forms = [whole, ...embeddedAddress(whole)];
  const isIn = (range: Cidr) => forms.some((form) => cidrContains(range, form));
  if (allowed.some(isIn)) return undefined;
  const known = forbiddenRanges.find(([range]) => isIn(range));
  if (known !== undefined) return known[1];
  return forbidden.some(isIn) ? "an address that this installation forbids" : undefined;
}

const forbiddenRanges: readonly (readonly [Cidr, string])[] = [
  ...of("a loopback address", "127.0.0.0/8", "::1"),
  ...of("a link-local address", "169.254.0.0/16", "fe80::/10"),
  // AWS and Google Cloud by IPv6, Alibaba Cloud, Azure, Oracle Cloud; the others' are link-local.
  ...of("an address of a cloud's metadata", "fd00:ec2::254", "fd20:ce::254"),
  ...of("an address of a cloud's metadata", "100.100.100.200", "168.63.129.16", "192.0.0.0/24"),
  ...of("an address of no single host", "0.0.0.0/8", "::", "224.0.0.0/4", "240.0.0.0/4", "ff00::/8"),
];

function of(reason: string, ...ranges: readonly string[]): (readonly [Cidr, string])[] {
  return ranges.map((text) => [rangeOf(text), reason] as const);
}

function rangeOf(text: string): Cidr {
  const range = parseCidr(text);
  if (range === undefined) throw new Error(`not a range: "${text}"`);
  return range;
}

/** Prefixes whose addresses carry an IPv4 address, and how many bits follow that. */
const carriers: readonly (readonly [Cidr, bigint])[] = [
  [rangeOf("::ffff:0:0/96"), 0n],
  [rangeOf("::/96"), 0n],
  [rangeOf("64:ff9b::/96"), 0n],
  [rangeOf("2002::/16"), 80n],
];

/** The IPv4 address that a mapped, translated or tunnelled IPv6 address leads to. */
function embeddedAddress(whole: Cidr): readonly Cidr[] {
  const carrier = carriers.find(([range]) => cidrContains(range, whole));
  if (carrier === undefined) return [];
  return [{ family: 4, base: (whole.base >> carrier[1]) & 0xffffffffn, prefixLength: 32 }];
}
