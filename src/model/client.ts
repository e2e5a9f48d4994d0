// Who asks about the mesh, as far as rules look at clients. A client answers questions and shows no facts, so that
// one which notes what it was asked knows all that an answer depended on.

import { type Labels, matchesLabels } from "../core/label-selector.ts";
import { isVisibleTo, type Visibility } from "./visibility.ts";

/** What of a service decides who calls it by its host. */
export interface Importable {
  readonly hostname: string;
  readonly namespace: string;
  readonly visibility: Visibility;
}

/** What of a VirtualService decides who follows its rules. */
export interface Followable {
  readonly hosts: readonly string[];
  readonly namespace: string;
  readonly visibility: Visibility;
}

/**
 * Ask only where the answer matters: of one candidate that everybody sees, say, nothing. Each question that is asked
 * for the whole mesh is asked again for those who answer it otherwise.
 */
export interface Client {
  isIn(namespace: string): boolean;
  /** Whether an object is exported to it. */
  sees(visibility: Visibility): boolean;
  /** Whether it may call a service by its host: one that is exported to it and that it imports. */
  imports(service: Importable): boolean;
  /** Whether a VirtualService's rules are for it: one that is exported to it and that it imports. */
  follows(routes: Followable): boolean;
  /** Whether it has all of these labels. */
  matches(labels: Labels): boolean;
}

/** Answers from the facts; imports all that is exported to it. */
export function clientIn(namespace: string, labels: Labels = {}): Client {
  const sees = (visibility: Visibility) => isVisibleTo(visibility, namespace);
  return {
    isIn: (other) => other === namespace,
    sees,
    imports: ({ visibility }) => sees(visibility),
    follows: ({ visibility }) => sees(visibility),
    matches: (wanted) => matchesLabels(wanted, labels),
  };
}
