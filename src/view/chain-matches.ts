// TCP chains of one listener settled among themselves: Envoy refuses a listener in which two chains take the same
// server name from the same address range.

import { parseCidr } from "../core/cidr.ts";
import { canonicalHostname } from "../core/hostname.ts";
import type { TcpChain } from "./listener-inputs.ts";

const ANY = "";

/** Of several chains that take the same, the first keeps it; a chain that has nothing left is dropped. */
export function settleMatches(chains: readonly TcpChain[]): readonly TcpChain[] {
  const taken = new Set<string>();
  return chains.flatMap((chain) => remainders(chain, taken));
}

/** Several where some names are left on one range and others on another. */
function remainders(chain: TcpChain, taken: Set<string>): readonly TcpChain[] {
  const names = takesAnyName(chain) ? [ANY] : matchableNames(chain.serverNames);
  const ranges = chain.destinationSubnets.length === 0 ? [ANY] : chain.destinationSubnets;
  const rangesByNames = new Map<string, { readonly names: readonly string[]; readonly ranges: string[] }>();
  for (const range of ranges) {
    const left = names.filter((name) => isNew(taken, `${spelling(range)} ${name}`));
    if (left.length === 0) continue;
    const key = left.join(" ");
    const found = rangesByNames.get(key) ?? { names: left, ranges: [] };
    found.ranges.push(range);
    rangesByNames.set(key, found);
  }
  return [...rangesByNames.values()].map((left) => ({
    ...chain,
    serverNames: withoutAny(left.names),
    destinationSubnets: withoutAny(left.ranges),
  }));
}

/**
 * Names that Envoy can match: as TLS has them, in lower case and without a final dot; whole or with a wildcard for whole labels. `*-api.example.com` can stand
 * in a virtual host's domains, not here.
 */
export function matchableNames(serverNames: readonly string[]): readonly string[] {
  const names = serverNames.map(canonicalHostname);
  return [...new Set(names)].filter((name) => !name.startsWith("*") || name.startsWith("*."));
}

/** Two spellings of one range are one. */
function spelling(subnet: string): string {
  const range = parseCidr(subnet);
  return range === undefined ? subnet : `${range.family} ${range.base}/${range.prefixLength}`;
}

function takesAnyName({ serverNames }: TcpChain): boolean {
  return serverNames.length === 0 || serverNames.includes("*");
}

function withoutAny(words: readonly string[]): readonly string[] {
  return words.filter((word) => word !== ANY);
}

function isNew(taken: Set<string>, match: string): boolean {
  return !taken.has(match) && taken.add(match) !== undefined;
}
