// Envoy's HeaderMatcher on a request.

import type { HeaderMatcher } from "../gen/envoy/config/route/v3/route_components_pb.ts";
import { type HttpRequest, isProxyHeader } from "./call.ts";
import { matchesRegex, matchesText } from "./string-matching.ts";
import { type Fact, known, not, open, type Truth } from "./truth.ts";

/** False for a connection of bytes, which has no headers. */
export function matchesHeader(matcher: HeaderMatcher, request: HttpRequest | undefined): Truth {
  if (request === undefined) return false;
  const header = headerOf(request, matcher.name.toLowerCase());
  if (header === undefined) return open(wordsFor(matcher.name));
  const value = header.known ?? (matcher.treatMissingHeaderAsEmpty ? "" : undefined);
  const truth = matchesValue(matcher, value);
  return matcher.invertMatch ? not(truth) : truth;
}

/** undefined within: the request doesn't have it. */
export function headerOf(request: HttpRequest, name: string): Fact<string | undefined> {
  switch (name) {
    case ":method":
      return request.method;
    case ":path":
      return request.path;
    case ":authority":
    case "host":
      return request.authority;
    default:
      if (request.headers === undefined) return undefined;
      if (!request.headers.known.has(name) && isProxyHeader(name)) return undefined;
      return known(request.headers.known.get(name));
  }
}

function matchesValue({ headerMatchSpecifier: matcher }: HeaderMatcher, value: string | undefined): Truth {
  // Without a condition the matcher asks that the header is there.
  if (matcher.case === undefined) return value !== undefined;
  if (matcher.case === "presentMatch") return (value !== undefined) === matcher.value;
  if (value === undefined) return false;
  switch (matcher.case) {
    case "stringMatch":
      return matchesText(matcher.value, value);
    case "exactMatch":
      return value === matcher.value;
    case "prefixMatch":
      return value.startsWith(matcher.value);
    case "suffixMatch":
      return value.endsWith(matcher.value);
    case "containsMatch":
      return value.includes(matcher.value);
    case "rangeMatch":
      return isInteger(value) && BigInt(value) >= matcher.value.start && BigInt(value) < matcher.value.end;
    case "safeRegexMatch":
      return matchesRegex(matcher.value.regex, value);
  }
}

function isInteger(text: string): boolean {
  return /^-?\d{1,18}$/.test(text);
}

function wordsFor(name: string): string {
  switch (name) {
    case ":method":
      return "the method";
    case ":path":
      return "the path";
    case ":authority":
      return "the host";
    default:
      return `the header ${name}`;
  }
}
