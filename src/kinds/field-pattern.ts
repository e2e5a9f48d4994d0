// Patterns of fields, such as `spec.http[].fault.*`: `[]` stands for each item of a list, `*` for each key.

import { childPath } from "../core/field-path.ts";

export interface FieldMatch {
  readonly path: string;
  readonly value: unknown;
}

/** The fields in `object` that the pattern names and that are set. */
export function matchingFields(object: unknown, pattern: string): FieldMatch[] {
  return matchSteps(object, pattern.replaceAll("[]", ".[]").split("."), "");
}

function matchSteps(value: unknown, [step, ...rest]: readonly string[], path: string): FieldMatch[] {
  if (value === undefined || value === null) return [];
  if (step === undefined) return [{ path, value }];
  if (step === "[]") {
    if (!Array.isArray(value)) return [];
    return value.flatMap((item: unknown, index) => matchSteps(item, rest, childPath(path, index)));
  }
  if (typeof value !== "object" || Array.isArray(value)) return [];
  const children = Object.entries(value).filter(([key]) => step === "*" || key === step);
  return children.flatMap(([key, child]) => matchSteps(child, rest, childPath(path, key)));
}
