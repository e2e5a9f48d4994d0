// The bounds and patterns that a kind declares for the API server, for objects that no API server sees. Rules in CEL have
// counterparts among the kind's own rules; tests/kubernetes/crds.test.ts finds one that lacks it.

import type { Admission, Constraint } from "./admission.ts";
import { matchingFields } from "./field-pattern.ts";
import type { Findings } from "./value-rules.ts";

/** Of an object whose form is right. */
export function* checkBounds(admission: Admission, object: object): Findings {
  for (const [pattern, constraint] of Object.entries(admission)) {
    for (const { path, value } of matchingFields(object, pattern)) {
      const fault = faultOf(value, constraint);
      if (fault !== undefined) yield { path, message: fault };
    }
  }
}

function faultOf(value: unknown, constraint: Constraint): string | undefined {
  if (typeof value === "number") return rangeFault(value, constraint.minimum, constraint.maximum);
  if (typeof value === "string") return textFault(value, constraint);
  if (Array.isArray(value))
    return countFault(value.length, "items", constraint.minItems, constraint.maxItems);
  if (typeof value !== "object" || value === null) return undefined;
  const { minProperties, maxProperties } = constraint;
  if (minProperties === undefined && maxProperties === undefined) return undefined;
  return countFault(Object.keys(value).length, "entries", minProperties, maxProperties);
}

function rangeFault(value: number, minimum = -Infinity, maximum = Infinity): string | undefined {
  if (value >= minimum && value <= maximum) return undefined;
  return `found ${value}, wanted ${boundsText(minimum, maximum)}`;
}

function textFault(text: string, { minLength, maxLength, pattern }: Constraint): string | undefined {
  if (text === "" && (minLength ?? 0) > 0) return "the text is empty";
  const fault = countFault([...text].length, "characters", minLength, maxLength);
  if (fault !== undefined || pattern === undefined || new RegExp(pattern).test(text)) return fault;
  return `"${text}" doesn't match ${pattern}`;
}

function countFault(count: number, what: string, minimum = 0, maximum = Infinity): string | undefined {
  if (count >= minimum && count <= maximum) return undefined;
  return `found ${count} ${what}, wanted ${boundsText(minimum, maximum)}`;
}

function boundsText(minimum: number, maximum: number): string {
  if (maximum === Infinity) return `at least ${minimum}`;
  return minimum <= 0 ? `at most ${maximum}` : `${minimum} to ${maximum}`;
}
