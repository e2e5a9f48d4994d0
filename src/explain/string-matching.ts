// Envoy's StringMatcher on a text. Regular expressions are RE2's, matched in time in proportion to the text: those of a
// policy are anybody's.

import { RE2JS } from "re2js";
import type { StringMatcher } from "../gen/envoy/type/matcher/v3/string_pb.ts";
import { open, type Truth } from "./truth.ts";

export function matchesText(matcher: StringMatcher | undefined, text: string): Truth {
  const { matchPattern, ignoreCase } = matcher ?? {};
  const fold = (value: string) => (ignoreCase ? value.toLowerCase() : value);
  switch (matchPattern?.case) {
    case "exact":
      return fold(text) === fold(matchPattern.value);
    case "prefix":
      return fold(text).startsWith(fold(matchPattern.value));
    case "suffix":
      return fold(text).endsWith(fold(matchPattern.value));
    case "contains":
      return fold(text).includes(fold(matchPattern.value));
    case "safeRegex":
      return matchesRegex(matchPattern.value.regex, text);
    default:
      return open("a matcher of text that isn't Envoy's own");
  }
}

/** Of the whole text. */
export function matchesRegex(regex: string, text: string): boolean {
  // As Envoy's: a dot matches a line's end as well.
  return RE2JS.compile(regex, RE2JS.DOTALL).matches(text);
}

/** Escapes what RE2 gives a meaning. */
export function quoteForRegex(text: string): string {
  return RE2JS.quote(text);
}
