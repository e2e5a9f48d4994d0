// Which hosts of a long list have names in common, in time n log n: read from its end, a wildcard's text begins that of
// every host within it, so sorting puts them next to each other.

import { isHostnameWithin, isWildcard, MAX_HOSTNAME_LENGTH } from "./hostname.ts";

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

interface SortedHost {
  readonly host: string;
  readonly index: number;
  readonly isWild: boolean;
  /** Without the wildcard's star, from the end. */
  readonly key: string;
}

/** Of equal keys wildcards come first: `*a.com` holds `a.com`. */
function sortedFromTheEnd(hosts: readonly string[]): readonly SortedHost[] {
  return hosts
    .map((host, index) => {
      const isWild = isWildcard(host);
      return { host, index, isWild, key: reversed(isWild ? host.slice(1) : host) };
    })
    .sort((one, other) => {
      if (one.key === other.key) return Number(other.isWild) - Number(one.isWild);
      return one.key < other.key ? -1 : 1;
    });
}

function firstNotBefore(sorted: readonly SortedHost[], key: string): number {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((sorted[middle]?.key ?? "") < key) from = middle + 1;
    else to = middle;
  }
  return from;
}

function reversed(text: string): string {
  return text.split("").reverse().join("");
}

export interface HostnameSet {
  /** Whether it is one of the set's hosts. */
  has(host: string): boolean;
  /** Whether one of the set's hosts stands for all that this one does. */
  contains(host: string): boolean;
  /** The set's hosts that a wildcard stands for, in no order of meaning. */
  within(wildcard: string): readonly string[];
}

export function createHostnameSet(outers: readonly string[]): HostnameSet {
  const exact = new Set(outers);
  const ends = new Set(outers.filter(isWildcard).map((outer) => outer.slice(1)));
  let sorted: readonly SortedHost[] | undefined;
  const lengths = [...new Set([...ends].map((end) => end.length))].sort((one, other) => one - other);
  return {
    has: (host) => exact.has(host),
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
    within(wildcard) {
      sorted ??= sortedFromTheEnd([...exact]);
      const start = reversed(wildcard.slice(1));
      const found: string[] = [];
      for (let at = firstNotBefore(sorted, start); sorted[at]?.key.startsWith(start); at++) {
        const { host = "" } = sorted[at] ?? {};
        if (isHostnameWithin(host, wildcard)) found.push(host);
      }
      return found;
    },
  };
}
