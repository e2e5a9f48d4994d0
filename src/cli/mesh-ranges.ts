// The ranges of addresses that a local mesh gives to pods and Services: --pod-cidr and --service-cidr.

import { CommandFailure, exitCodes } from "./exit-code.ts";

const DEFAULT_POD_CIDR = "10.244.0.0/16";
const DEFAULT_SERVICE_CIDR = "10.96.0.0/16";

export interface MeshRanges {
  readonly podCidr: string;
  readonly serviceCidr: string;
}

export function meshRanges(podCidr = DEFAULT_POD_CIDR, serviceCidr = DEFAULT_SERVICE_CIDR): MeshRanges {
  const pods = parseRange("--pod-cidr", podCidr);
  const services = parseRange("--service-cidr", serviceCidr);
  if (overlap(pods, services)) {
    throw new CommandFailure(
      exitCodes.usage,
      `Cannot use --pod-cidr ${podCidr} with --service-cidr ${serviceCidr}: the ranges overlap`,
    );
  }
  return { podCidr, serviceCidr };
}

interface Range {
  readonly first: number;
  readonly last: number;
}

const reserved: readonly (readonly [string, string])[] = [
  ["0.0.0.0/8", "is no address of a host"],
  ["127.0.0.0/8", "is loopback"],
  ["169.254.0.0/16", "is link-local"],
  ["224.0.0.0/3", "is multicast or reserved"],
];

function parseRange(flag: string, text: string): Range {
  const refuse = (reason: string) =>
    new CommandFailure(
      exitCodes.usage,
      `Cannot use range "${text}": ${reason}`,
      `${flag} takes an IPv4 range such as 10.244.0.0/16, from /8 to /28`,
    );
  if (text.includes(":")) throw refuse("local meshes have IPv4 addresses");
  const range = rangeOf(text);
  const prefixLength = Number(text.split("/")[1]);
  if (range === undefined) throw refuse("it isn't ADDRESS/PREFIX");
  if (prefixLength > 28) throw refuse("it is too small");
  if (prefixLength < 8) throw refuse("it is too large");
  if (range.first % 2 ** (32 - prefixLength) !== 0) {
    throw refuse(`the address has bits behind the prefix of ${prefixLength}`);
  }
  for (const [cidr, what] of reserved) {
    const other = rangeOf(cidr);
    if (other !== undefined && overlap(range, other)) throw refuse(`${cidr} ${what}`);
  }
  return range;
}

/** From the address on; undefined where it can't be read. */
function rangeOf(text: string): Range | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  const [bytes, prefixLength] = [match?.slice(1, 5).map(Number) ?? [], Number(match?.[5])];
  if (match === null || bytes.some((byte) => byte > 255) || prefixLength > 32) return undefined;
  const first = bytes.reduce((value, byte) => value * 256 + byte, 0);
  return { first, last: first + 2 ** (32 - prefixLength) - 1 };
}

function overlap(one: Range, other: Range): boolean {
  return one.first <= other.last && other.first <= one.last;
}
