// Which requests a route takes: path, headers, a token's claims, method, authority, scheme and query parameters.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { routingClaim } from "../../core/routing-claim.ts";
import type { RouteMatchSchema } from "../../gen/envoy/config/route/v3/route_components_pb.ts";
import { claims } from "../../kinds/claims.ts";
import type { HttpMatchRequest, StringMatch } from "../../kinds/virtual-service/matching.ts";
import { virtualServiceKind } from "../../kinds/virtual-service/virtual-service.ts";
import { claimMatcher, withoutClaimMatcher } from "./claim-match.ts";
import type { RouteFeature } from "./route-feature.ts";
import { headerMatcher, queryParameterMatcher, withoutHeaderMatcher } from "./string-matcher.ts";

type RouteMatchInit = MessageInitShape<typeof RouteMatchSchema>;

export const routeMatchFeature: RouteFeature = {
  fields: claims(virtualServiceKind, "spec.http[].match[]", [
    "uri.exact",
    "uri.prefix",
    "uri.regex",
    "ignoreUriCase",
    "scheme.exact",
    "scheme.prefix",
    "scheme.regex",
    "method.exact",
    "method.prefix",
    "method.regex",
    "authority.exact",
    "authority.prefix",
    "authority.regex",
    "headers.*.exact",
    "headers.*.prefix",
    "headers.*.regex",
    "withoutHeaders.*.exact",
    "withoutHeaders.*.prefix",
    "withoutHeaders.*.regex",
    "queryParams.*.exact",
    "queryParams.*.prefix",
    "queryParams.*.regex",
  ]),
  apply({ match }, draft) {
    draft.route.match = match === undefined ? everyRequest() : buildRouteMatch(match);
  },
};

function everyRequest(): RouteMatchInit {
  return { pathSpecifier: { case: "prefix", value: "/" } };
}

function buildRouteMatch(match: HttpMatchRequest): RouteMatchInit {
  return {
    pathSpecifier: pathSpecifier(match.uri),
    ...(match.ignoreUriCase ? { caseSensitive: false } : {}),
    headers: [
      ...pseudoHeader(":method", match.method),
      ...pseudoHeader(":authority", match.authority),
      ...pseudoHeader(":scheme", match.scheme),
      ...headersIn(match.headers).map(([name, value]) => headerMatcher(name, value)),
      ...headersIn(match.withoutHeaders).map(([name, value]) => withoutHeaderMatcher(name, value)),
    ],
    dynamicMetadata: [
      ...claimsIn(match.headers).map(([claim, value]) => claimMatcher(claim, value)),
      ...claimsIn(match.withoutHeaders).map(([claim, value]) => withoutClaimMatcher(claim, value)),
    ],
    queryParameters: sortedEntries(match.queryParams).map(([name, value]) =>
      queryParameterMatcher(name, value),
    ),
  };
}

function pathSpecifier(uri: StringMatch | undefined): NonNullable<RouteMatchInit["pathSpecifier"]> {
  if (uri?.exact !== undefined) return { case: "path", value: uri.exact };
  if (uri?.regex !== undefined) return { case: "safeRegex", value: { regex: uri.regex } };
  return { case: "prefix", value: uri?.prefix ?? "/" };
}

function pseudoHeader(name: string, match: StringMatch | undefined) {
  return match === undefined ? [] : [headerMatcher(name, match)];
}

type HeaderMatches = HttpMatchRequest["headers"];

function headersIn(matches: HeaderMatches) {
  return sortedEntries(matches).filter(([name]) => routingClaim(name) === undefined);
}

function claimsIn(matches: HeaderMatches) {
  return sortedEntries(matches).flatMap(([name, value]) => {
    const claim = routingClaim(name);
    return claim === undefined ? [] : [[claim, value] as const];
  });
}

function sortedEntries<V>(map: Readonly<Record<string, V>> | undefined): readonly (readonly [string, V])[] {
  return Object.entries(map ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
}
