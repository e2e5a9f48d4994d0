// The patterns of AuthorizationPolicy: `exact`, `prefix*`, `*suffix`, and `*` for any value that is there.

import type { StringMatcherSchema } from "../../gen/envoy/type/matcher/v3/string_pb.ts";
import type { Plain } from "../encode.ts";

export type StringMatcherInit = Plain<typeof StringMatcherSchema>;

// Envoy wants a prefix or suffix that isn't empty, and `*` asks for presence: an empty value isn't there.
export const ANY_STRING = regex(".+");

export function stringPattern(value: string): StringMatcherInit {
  if (value === "*") return ANY_STRING;
  if (value.startsWith("*")) return { matchPattern: { case: "suffix", value: value.slice(1) } };
  if (value.endsWith("*")) return { matchPattern: { case: "prefix", value: value.slice(0, -1) } };
  return exact(value);
}

/** Of values that all begin with `start`, which the pattern leaves out; `*` alone matches any value whatever. */
export function stringPatternAfter(start: string, value: string): StringMatcherInit {
  if (value === "*") return ANY_STRING;
  if (value.startsWith("*")) return regex(`${start}.*${quoteRegex(value.slice(1))}`);
  return stringPattern(`${start}${value}`);
}

export function exact(value: string): StringMatcherInit {
  return { matchPattern: { case: "exact", value } };
}

export function regex(text: string): StringMatcherInit {
  return { matchPattern: { case: "safeRegex", value: { regex: text } } };
}

/** Escapes what RE2 gives a meaning. */
export function quoteRegex(text: string): string {
  return text.replaceAll(/[\\.+*?()|[\]{}^$]/g, "\\$&");
}
