// Envoy's MetadataMatcher on what filters have learned of a call: the claims of its token, which rules matched.

import type { MetadataMatcher } from "../gen/envoy/type/matcher/v3/metadata_pb.ts";
import type { ValueMatcher } from "../gen/envoy/type/matcher/v3/value_pb.ts";
import type { DynamicMetadata } from "./call.ts";
import { matchesText } from "./string-matching.ts";
import { anyOf, not, open, type Truth } from "./truth.ts";

/** Filters whose metadata is known here; what others say of a call only they know. */
const KNOWN_FILTERS: ReadonlySet<string> = new Set([
  "envoy.filters.http.jwt_authn",
  "envoy.filters.http.rbac",
  "envoy.filters.network.rbac",
]);

export function matchesMetadata(matcher: MetadataMatcher, metadata: DynamicMetadata): Truth {
  const { filter, path, value, invert } = matcher;
  if (!KNOWN_FILTERS.has(filter)) return open(`what the filter ${filter} says of it`);
  const fact = metadata.has(filter) ? metadata.get(filter) : { known: {} };
  if (fact === undefined) return open(wordsFor(filter));
  const keys = path.map(({ segment }) => (segment.case === "key" ? segment.value : undefined));
  const truth = matchesValue(value, valueAt(fact.known, keys));
  return invert ? not(truth) : truth;
}

function wordsFor(filter: string): string {
  return filter === "envoy.filters.http.jwt_authn" ? "the token" : "earlier rules";
}

function valueAt(value: unknown, keys: readonly (string | undefined)[]): unknown {
  return keys.reduce<unknown>((found, key) => {
    const isObject = typeof found === "object" && found !== null && !Array.isArray(found);
    if (!isObject || key === undefined || !Object.hasOwn(found, key)) return undefined;
    return (found as Readonly<Record<string, unknown>>)[key];
  }, value);
}

function matchesValue(matcher: ValueMatcher | undefined, value: unknown): Truth {
  const pattern = matcher?.matchPattern;
  switch (pattern?.case) {
    case "nullMatch":
      return value === null;
    case "boolMatch":
      return value === pattern.value;
    case "presentMatch":
      return (value !== undefined) === pattern.value;
    case "stringMatch":
      return typeof value === "string" && matchesText(pattern.value, value);
    case "doubleMatch": {
      const { case: form, value: wanted } = pattern.value.matchPattern;
      if (typeof value !== "number" || form === undefined) return false;
      return form === "exact" ? value === wanted : value >= wanted.start && value < wanted.end;
    }
    case "listMatch": {
      const { case: form, value: element } = pattern.value.matchPattern;
      if (!Array.isArray(value) || form !== "oneOf") return false;
      return anyOf(value.map((each) => matchesValue(element, each)));
    }
    case "orMatch":
      return anyOf(pattern.value.valueMatchers.map((each) => matchesValue(each, value)));
    default:
      return false;
  }
}
