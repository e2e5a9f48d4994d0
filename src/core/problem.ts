// A user's mistake, as a value. It names the object, the place in it, what is wrong and what to do;
// file and line are joined from the side table of locations, never from generated config.

import type { Location } from "./location.ts";
import type { ObjectKey } from "./object-key.ts";
import { objectKeyText } from "./object-key.ts";
import type { ProblemCode, Severity } from "./problem-catalogue.ts";
import { problemCatalogue } from "./problem-catalogue.ts";

/** `error`: the object (or the part named) isn't in force. `warning`: in force, but likely not as meant. `info`: worth knowing. */
export interface Problem {
  readonly code: ProblemCode;
  readonly severity: Severity;
  /** The object at fault; absent where the text could not even be read as an object. */
  readonly object?: ObjectKey;
  /** Field path in the object, such as `spec.http[0].route[1].weight`. */
  readonly path?: string;
  readonly location?: Location;
  /** One sentence: what is found, quoted, and what is wanted. */
  readonly message: string;
  /** What to do next, where that isn't plain from the message: a nearest spelling, a command. */
  readonly hint?: string;
}

export interface ProblemDetails extends Omit<Problem, "code" | "severity"> {
  readonly severity?: Severity;
}

/** Builds a Problem with the catalogue's severity for its code, unless the details name another. */
export function problem(code: ProblemCode, details: ProblemDetails): Problem {
  return { severity: problemCatalogue[code].severity, ...details, code };
}

/** One line for people: `file:line:column: error MLT1003 VirtualService shop/reviews spec.http[0].route: sentence (hint)`. */
export function formatProblem(found: Problem): string {
  const place = found.location === undefined ? "" : `${formatLocation(found.location)}: `;
  const istioCode = problemCatalogue[found.code].istio;
  const code = istioCode === undefined ? found.code : `${found.code} (${istioCode})`;
  const subject = [found.object === undefined ? undefined : objectKeyText(found.object), found.path]
    .filter((part) => part !== undefined)
    .join(" ");
  const hint = found.hint === undefined ? "" : ` (${found.hint})`;
  return `${place}${found.severity} ${code}${subject === "" ? "" : ` ${subject}`}: ${found.message}${hint}`;
}

/** `file:line:column`, lines and columns from 1. */
export function formatLocation(location: Location): string {
  return `${location.file}:${location.line}:${location.column}`;
}
