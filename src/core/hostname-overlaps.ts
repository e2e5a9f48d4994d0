// Which hosts of a long list have names in common, in time n log n: read from its end, a wildcard's text begins that of
// every host within it, so sorting puts them next to each other.

import { isWildcard, MAX_HOSTNAME_LENGTH } from "./hostname.ts";

/** For each index of a host that overlaps with one before it, the index of the first such. */
export function firstOverlaps(hosts: readonly string[]): ReadonlyMap<number, number> {
  const overlaps = new Map<number, number>();
  const around: WildcardAround[] = [];
  const firstByExact = new Map<string, number>();
  const note = (index: number, other: number) => {
    if (other < index) overlaps.set(index, Math.min(other, overlaps.get(index) ?? other));
  };
  const leave = () => {
    const left = around.pop();
    const outer = around.at(-1);
    if (left === undefined) return;
    note(left.index, left.firstWithin);
    if (outer !== undefined) outer.firstWithin = Math.min(outer.firstWithin, left.firstWithin, left.index);
  };
  for (const { index, key, isWild } of sortedFromTheEnd(hosts)) {
    while (around.length > 0 && !key.startsWith(around.at(-1)?.key ?? "")) leave();
    const outer = around.at(-1);
    const firstAround = outer?.firstAround ?? Infinity;
    note(index, firstAround);
    if (isWild) {
      around.push({ index, key, firstAround: Math.min(firstAround, index), firstWithin: Infinity });
      continue;
    }
    if (outer !== undefined) outer.firstWithin = Math.min(outer.firstWithin, index);
    note(index, firstByExact.get(key) ?? Infinity);
    firstByExact.set(key, Math.min(firstByExact.get(key) ?? index, index));
  }
  while (around.length > 0) leave();
  return overlaps;
}

/** A wildcard that the host at hand lies in. */
interface WildcardAround {
  readonly index: number;
  readonly key: string;
  /** The lowest index of this wildcard and those around it. */
  readonly firstAround: number;
  /** The lowest index of the hosts in it that were seen. */
  firstWithin: number;
}

/** Of equal keys wildcards come first: `*a.com` holds `a.com`. */
function sortedFromTheEnd(hosts: readonly string[]) {
  return hosts
    .map((host, index) => {
      const isWild = isWildcard(host);
      return { index, isWild, key: reversed(isWild ? host.slice(1) : host) };
    })
    .sort((one, other) => {
      if (one.key === other.key) return Number(other.isWild) - Number(one.isWild);
      return one.key < other.key ? -1 : 1;
    });
}

function reversed(text: string): string {
  return text.split("").reverse().join("");
}

export interface HostnameSet {
  /** Whether one of the set's hosts stands for all that this one does. */
  contains(host: string): boolean;
}

export function createHostnameSet(outers: readonly string[]): HostnameSet {
  const exact = new Set(outers);
  const ends = new Set(outers.filter(isWildcard).map((outer) => outer.slice(1)));
  const lengths = [...new Set([...ends].map((end) => end.length))].sort((one, other) => one - other);
  return {
    contains(host) {
      if (exact.has(host)) return true;
      // No host is longer, and each length costs a look.
      if (host.length > MAX_HOSTNAME_LENGTH) return false;
      const name = isWildcard(host) ? host.slice(1) : host;
      for (const length of lengths) {
        if (length > name.length) return false;
        if (ends.has(name.slice(name.length - length))) return true;
      }
      return false;
    },
  };
}
