// Whether a route's match takes a request, beyond its path: method, headers and query parameters, as Envoy compares them.

import type { JsonObject, JsonValue } from "./walk-call.ts";
import { object, objects, text } from "./walk-call.ts";

export interface RequestFields {
  /** By name in lower case; `:method` is the method. */
  readonly headers: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
}

export function matchesRequest(
  { headers, queryParameters }: JsonObject,
  { headers: found, query = {} }: RequestFields,
): boolean {
  return (
    objects(headers).every((matcher) => matchesHeader(matcher, found[text(matcher.name)])) &&
    objects(queryParameters).every((matcher) => matchesParameter(matcher, query[text(matcher.name)]))
  );
}

function matchesHeader(matcher: JsonObject, found: string | undefined): boolean {
  const { invertMatch, presentMatch, stringMatch, treatMissingHeaderAsEmpty } = matcher;
  const isInverted = invertMatch === true;
  const value = found ?? (treatMissingHeaderAsEmpty === true ? "" : undefined);
  if (stringMatch === undefined) return ((value !== undefined) === (presentMatch !== false)) !== isInverted;
  // A header that is missing matches no string, and so no string's inverse either.
  if (value === undefined) return false;
  return matchesString(object(stringMatch), value) !== isInverted;
}

function matchesParameter({ presentMatch, stringMatch }: JsonObject, found: string | undefined): boolean {
  if (stringMatch === undefined) return (found !== undefined) === (presentMatch !== false);
  return found !== undefined && matchesString(object(stringMatch), found);
}

function matchesString({ exact, prefix, safeRegex, ignoreCase }: JsonObject, found: string): boolean {
  const fold = (value: JsonValue | undefined) =>
    ignoreCase === true ? text(value).toLowerCase() : text(value);
  if (prefix !== undefined) return fold(found).startsWith(fold(prefix));
  if (safeRegex !== undefined) return new RegExp(`^(?:${text(object(safeRegex).regex)})$`).test(found);
  return fold(found) === fold(exact ?? "");
}
