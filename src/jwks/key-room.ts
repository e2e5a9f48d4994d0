// Which keys are stored where all of them take more than there is room for: those of whoever has the most give way, so
// that the policies of one namespace can't keep out the keys of another. Pure.

import { MAX_RECORDS_BYTES } from "./key-record.ts";

export interface StoredKeys {
  /** In bytes, by location. */
  readonly sizes: ReadonlyMap<string, number>;
  /** Of the policies that want the keys of a location; none: nobody wants them any more. */
  readonly namespacesOf: (location: string) => readonly string[];
}

export type Room =
  /** After the records of these locations have given way. */
  { readonly kind: "found"; readonly givingWay: readonly string[] } | { readonly kind: "full" };

/** For the record of `newest`, whose size is among the sizes. */
export function findRoom(newest: string, { sizes: all, namespacesOf }: StoredKeys): Room {
  const sizes = new Map(all);
  let total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const givingWay: string[] = [];
  while (total > MAX_RECORDS_BYTES) {
    const heaviest = heaviestLocation(newest, { sizes, namespacesOf });
    if (heaviest === newest) return { kind: "full" };
    givingWay.push(heaviest);
    total -= sizes.get(heaviest) ?? 0;
    sizes.delete(heaviest);
  }
  return { kind: "found", givingWay };
}

/**
 * A location weighs as much as all that the namespace has which wants it and has the least: who names others' issuers
 * does them no harm. Of equals the newest, then the largest.
 */
function heaviestLocation(newest: string, { sizes, namespacesOf }: StoredKeys): string {
  const usage = usageOf({ sizes, namespacesOf });
  const weightOf = (location: string) =>
    Math.min(...namespacesOf(location).map((namespace) => usage.get(namespace) ?? 0));
  let heaviest = newest;
  let weight = weightOf(newest);
  for (const [location, size] of sizes) {
    const other = weightOf(location);
    const isLarger = heaviest !== newest && size > (sizes.get(heaviest) ?? 0);
    if (other < weight || (other === weight && !isLarger)) continue;
    [heaviest, weight] = [location, other];
  }
  return heaviest;
}

/** Of each namespace; what several want counts for each by its part. */
function usageOf({ sizes, namespacesOf }: StoredKeys): ReadonlyMap<string, number> {
  const usage = new Map<string, number>();
  for (const [location, size] of sizes) {
    const namespaces = namespacesOf(location);
    for (const namespace of namespaces)
      usage.set(namespace, (usage.get(namespace) ?? 0) + size / namespaces.length);
  }
  return usage;
}
