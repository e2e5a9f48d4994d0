// A secret that can be carried anywhere and printed nowhere: text, JSON and inspection all show `[redacted]`.

/** Holds a secret; only `reveal` gives it, so that a search for that word finds every place where it leaves. */
export interface Redacted<T> {
  reveal(): T;
  toString(): "[redacted]";
  toJSON(): "[redacted]";
}

// Node's console and assert look for this symbol; taking it by name keeps core free of imports.
const inspectSymbol = Symbol.for("nodejs.util.inspect.custom");

/** The value lives in a closure: spreading, cloning or walking the object's keys doesn't reach it. */
export function redacted<T>(value: T): Redacted<T> {
  const print = (): "[redacted]" => "[redacted]";
  const holder = { reveal: () => value, toString: print, toJSON: print, [inspectSymbol]: print };
  return Object.freeze(holder);
}
