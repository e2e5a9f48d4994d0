// Three-valued logic: what isn't known of a call leaves open whether a matcher matches, and says what is needed to know.

/** Open: it depends on these facts, in words such as `the caller's address`. */
export interface Open {
  readonly needs: readonly string[];
}

export type Truth = boolean | Open;

/** A fact of a call; undefined where it isn't known. */
export type Fact<T> = { readonly known: T } | undefined;

export function known<T>(value: T): { readonly known: T } {
  return { known: value };
}

export function open(...needs: readonly string[]): Open {
  return { needs };
}

export function isOpen(truth: Truth): truth is Open {
  return typeof truth === "object";
}

/** True where none are given. */
export function allOf(truths: readonly Truth[]): Truth {
  if (truths.includes(false)) return false;
  return together(truths) ?? true;
}

/** False where none are given. */
export function anyOf(truths: readonly Truth[]): Truth {
  if (truths.includes(true)) return true;
  return together(truths) ?? false;
}

export function not(truth: Truth): Truth {
  return isOpen(truth) ? truth : !truth;
}

/** Of a fact that `words` name. */
export function ofFact<T>(fact: Fact<T>, words: string, holds: (value: T) => Truth): Truth {
  return fact === undefined ? open(words) : holds(fact.known);
}

function together(truths: readonly Truth[]): Open | undefined {
  const needs = truths.flatMap((truth) => (isOpen(truth) ? truth.needs : []));
  return truths.some(isOpen) ? open(...new Set(needs)) : undefined;
}
