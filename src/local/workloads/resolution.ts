// A value that was resolved from objects, or the Problem that stands in the way.

import type { Problem } from "../../core/problem.ts";

export type Resolution<T> =
  | { readonly kind: "resolved"; readonly value: T }
  | { readonly kind: "unresolved"; readonly problem: Problem };

export function resolved<T>(value: T): Resolution<T> {
  return { kind: "resolved", value };
}

export function unresolved(problem: Problem): Resolution<never> {
  return { kind: "unresolved", problem };
}
