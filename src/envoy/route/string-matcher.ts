// Istio's StringMatch as Envoy's matchers of strings, headers and query parameters.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  HeaderMatcherSchema,
  QueryParameterMatcherSchema,
} from "../../gen/envoy/config/route/v3/route_components_pb.ts";
import type { StringMatcherSchema } from "../../gen/envoy/type/matcher/v3/string_pb.ts";
import type { StringMatch } from "../../kinds/virtual-service/matching.ts";

export type StringMatcherInit = MessageInitShape<typeof StringMatcherSchema>;
type HeaderMatcherInit = MessageInitShape<typeof HeaderMatcherSchema>;
type QueryParameterMatcherInit = MessageInitShape<typeof QueryParameterMatcherSchema>;

/** Undefined where the match asks for presence only: an empty match, or Istio's regex `*`. */
export function stringMatcher(match: StringMatch): StringMatcherInit | undefined {
  if (match.exact !== undefined) return { matchPattern: { case: "exact", value: match.exact } };
  if (match.prefix !== undefined) return { matchPattern: { case: "prefix", value: match.prefix } };
  if (match.regex !== undefined && match.regex !== "*") {
    return { matchPattern: { case: "safeRegex", value: { regex: match.regex } } };
  }
  return undefined;
}

export function headerMatcher(name: string, match: StringMatch): HeaderMatcherInit {
  const matcher = stringMatcher(match);
  return {
    name,
    headerMatchSpecifier:
      matcher === undefined ? { case: "presentMatch", value: true } : { case: "stringMatch", value: matcher },
  };
}

/** Matches a request that lacks the header, or has it with another value. */
export function withoutHeaderMatcher(name: string, match: StringMatch): HeaderMatcherInit {
  const matcher = headerMatcher(name, match);
  const isPresence = matcher.headerMatchSpecifier?.case === "presentMatch";
  // A missing header differs from any value, so it must satisfy the inverted match.
  return { ...matcher, invertMatch: true, ...(isPresence ? {} : { treatMissingHeaderAsEmpty: true }) };
}

export function queryParameterMatcher(name: string, match: StringMatch): QueryParameterMatcherInit {
  const matcher = stringMatcher(match);
  return {
    name,
    queryParameterMatchSpecifier:
      matcher === undefined ? { case: "presentMatch", value: true } : { case: "stringMatch", value: matcher },
  };
}
