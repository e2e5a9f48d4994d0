// AuthorizationPolicies as HTTP filters. A request meets CUSTOM first, then AUDIT, DENY and ALLOW.

import { ExtAuthzSchema } from "../../gen/envoy/extensions/filters/http/ext_authz/v3/ext_authz_pb.ts";
import { RBACSchema } from "../../gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.ts";
import type { AuthorizationInputs } from "../../view/authorization-inputs.ts";
import type { Plain } from "../encode.ts";
import { EXT_AUTHZ_STAT_PREFIX } from "../policy-slot/denial.ts";
import { type TypedFilter, typedFilter } from "../typed-filter.ts";
import { rulesByAction } from "./actions.ts";
import { customRules } from "./custom-policies.ts";
import { shadowRulesStatPrefix } from "./shadow-prefix.ts";

/** Both are empty where no policy is. They are two, since tokens are verified in between. */
export interface HttpAuthorization {
  readonly custom: readonly TypedFilter[];
  readonly authorization: readonly TypedFilter[];
}

export function buildHttpAuthorization(inputs: AuthorizationInputs): HttpAuthorization {
  return { custom: customFilters(inputs), authorization: actionFilters(inputs) };
}

function customFilters(inputs: AuthorizationInputs): readonly TypedFilter[] {
  return customRules(inputs, "http").flatMap((custom) => {
    if (custom.kind === "deny") return [rbacFilter({ rules: custom.rules })];
    return [
      rbacFilter({ shadowRules: custom.rules, shadowRulesStatPrefix: EXT_AUTHZ_STAT_PREFIX }),
      typedFilter("envoy.filters.http.ext_authz", ExtAuthzSchema, custom.provider.http),
    ];
  });
}

function actionFilters(inputs: AuthorizationInputs): readonly TypedFilter[] {
  return Object.values(rulesByAction(inputs, "http")).flatMap((rules) => {
    if (rules === undefined) return [];
    return [rbacFilter({ ...rules, shadowRulesStatPrefix: shadowRulesStatPrefix(rules) })];
  });
}

function rbacFilter(config: Plain<typeof RBACSchema>): TypedFilter {
  return typedFilter("envoy.filters.http.rbac", RBACSchema, config);
}
