// A set of keys that mostly has one: a Set for each would be a third of what the graph's bookkeeping takes.

export type KeySet = string | Set<string>;

/** The set with the key; a Set is made only for the second. */
export function withKey(keys: KeySet | undefined, key: string): KeySet {
  if (keys === undefined || keys === key) return key;
  return typeof keys === "string" ? new Set([keys, key]) : keys.add(key);
}

/** The set without the key; undefined for an empty one. */
export function withoutKey(keys: KeySet, key: string): KeySet | undefined {
  if (typeof keys === "string") return keys === key ? undefined : keys;
  keys.delete(key);
  return keys.size === 0 ? undefined : keys;
}

export function keysIn(keys: KeySet): Iterable<string> {
  return typeof keys === "string" ? [keys] : keys;
}
