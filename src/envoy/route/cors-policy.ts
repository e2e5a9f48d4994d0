// Cross-origin requests: the route's configuration of Envoy's CORS filter.

import { CorsPolicySchema } from "../../gen/envoy/extensions/filters/http/cors/v3/cors_pb.ts";
import { claims } from "../../kinds/claims.ts";
import type { CorsPolicy } from "../../kinds/virtual-service/http-route.ts";
import type { StringMatch } from "../../kinds/virtual-service/matching.ts";
import { virtualServiceKind } from "../../kinds/virtual-service/virtual-service.ts";
import { durationMessage } from "../duration-message.ts";
import { typedConfig } from "../encode.ts";
import type { RouteFeature } from "./route-feature.ts";
import { type StringMatcherInit, stringMatcher } from "./string-matcher.ts";

export const CORS_FILTER = "envoy.filters.http.cors";

const ANY_ORIGIN: StringMatcherInit = { matchPattern: { case: "safeRegex", value: { regex: ".*" } } };

export const corsFeature: RouteFeature = {
  fields: claims(virtualServiceKind, "spec.http[].corsPolicy", [
    "allowOrigin",
    "allowOrigins[].exact",
    "allowOrigins[].prefix",
    "allowOrigins[].regex",
    "allowMethods",
    "allowHeaders",
    "exposeHeaders",
    "maxAge",
    "allowCredentials",
    "unmatchedPreflights",
  ]),
  apply({ rule }, draft) {
    const policy = rule?.corsPolicy;
    if (policy === undefined) return;
    draft.filterConfig[CORS_FILTER] = typedConfig(CorsPolicySchema, {
      allowOriginStringMatch: allowedOrigins(policy).map((match) => stringMatcher(match) ?? ANY_ORIGIN),
      allowMethods: (policy.allowMethods ?? []).join(","),
      allowHeaders: (policy.allowHeaders ?? []).join(","),
      exposeHeaders: (policy.exposeHeaders ?? []).join(","),
      ...(policy.maxAge === undefined
        ? {}
        : { maxAge: durationMessage(policy.maxAge).seconds?.toString() ?? "0" }),
      ...(policy.allowCredentials === undefined ? {} : { allowCredentials: policy.allowCredentials }),
      forwardNotMatchingPreflights: policy.unmatchedPreflights !== "IGNORE",
    });
  },
};

function allowedOrigins(policy: CorsPolicy): readonly StringMatch[] {
  return policy.allowOrigins ?? (policy.allowOrigin ?? []).map((exact) => ({ exact }));
}
