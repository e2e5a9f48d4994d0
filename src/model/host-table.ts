// Rows by the host that they speak of, with wildcards: a lookup tries the exact name, then each wider wildcard.

import { isWildcard } from "../core/hostname.ts";
import type { Read } from "../graph/read.ts";
import type { Row } from "../graph/table.ts";
import type { Index } from "../graph/table-index.ts";

/** The names under which a rule for `hostname` may stand, most specific first: itself, `*.b.c`, `*.c`, `*`. */
export function hostLookups(hostname: string): readonly string[] {
  const lookups = [hostname];
  const name = isWildcard(hostname) ? hostname.slice(1) : `.${hostname}`;
  for (let dot = name.indexOf(".", 1); dot >= 0; dot = name.indexOf(".", dot + 1)) {
    lookups.push(`*${name.slice(dot)}`);
  }
  if (hostname !== "*") lookups.push("*");
  return lookups;
}

/** All rows that speak of a host, those of the most specific name first. */
export function findByHost<V>(read: Read, index: Index<V>, hostname: string): readonly Row<V>[] {
  return hostLookups(hostname).flatMap((lookup) => read.find(index, lookup));
}
