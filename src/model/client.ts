// Who asks about the mesh, as far as rules look at clients. A client answers questions and shows no facts, so that
// one which notes what it was asked knows all that an answer depended on.

import { type Labels, matchesLabels } from "../core/label-selector.ts";
import { isVisibleTo, type Visibility } from "./visibility.ts";

/**
 * Ask only where the answer matters: of one candidate that everybody sees, say, nothing. Each question that is asked
 * for the whole mesh is asked again for those who answer it otherwise.
 */
export interface Client {
  isIn(namespace: string): boolean;
  /** Whether an object is exported to it. */
  sees(visibility: Visibility): boolean;
  /** Whether it has all of these labels. */
  matches(labels: Labels): boolean;
}

/** Answers from the facts. */
export function clientIn(namespace: string, labels: Labels = {}): Client {
  return {
    isIn: (other) => other === namespace,
    sees: (visibility) => isVisibleTo(visibility, namespace),
    matches: (wanted) => matchesLabels(wanted, labels),
  };
}
