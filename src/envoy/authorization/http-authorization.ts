// AuthorizationPolicies as HTTP filters. A request meets CUSTOM first, then AUDIT, DENY and ALLOW.

import type { DescMessage } from "@bufbuild/protobuf";
import { ExtAuthzSchema } from "../../gen/envoy/extensions/filters/http/ext_authz/v3/ext_authz_pb.ts";
import { RBACSchema } from "../../gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.ts";
import type { HttpFilterSchema } from "../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import type { AuthorizationInputs } from "../../view/authorization-inputs.ts";
import { type Plain, typedConfig } from "../encode.ts";
import { rulesOfAction } from "./actions.ts";
import { customRules } from "./custom-policies.ts";
import { EXT_AUTHZ_STAT_PREFIX } from "./external-authorization.ts";
import { shadowRulesStatPrefix } from "./shadow-prefix.ts";

export type HttpFilterInit = Plain<typeof HttpFilterSchema>;

/** Both are empty where no policy is. They are two, since tokens are verified in between. */
export interface HttpAuthorization {
  readonly custom: readonly HttpFilterInit[];
  readonly authorization: readonly HttpFilterInit[];
}

export function buildHttpAuthorization(inputs: AuthorizationInputs): HttpAuthorization {
  return { custom: customFilters(inputs), authorization: actionFilters(inputs) };
}

function customFilters(inputs: AuthorizationInputs): readonly HttpFilterInit[] {
  return customRules(inputs, "http").flatMap((custom) => {
    if (custom.kind === "deny") return [rbacFilter({ rules: custom.rules })];
    return [
      rbacFilter({ shadowRules: custom.rules, shadowRulesStatPrefix: EXT_AUTHZ_STAT_PREFIX }),
      filter("envoy.filters.http.ext_authz", ExtAuthzSchema, custom.provider.http),
    ];
  });
}

function actionFilters(inputs: AuthorizationInputs): readonly HttpFilterInit[] {
  return (["AUDIT", "DENY", "ALLOW"] as const).flatMap((action) => {
    const rules = rulesOfAction(inputs, action, "http");
    if (rules === undefined) return [];
    return [rbacFilter({ ...rules, shadowRulesStatPrefix: shadowRulesStatPrefix(rules) })];
  });
}

function rbacFilter(config: Plain<typeof RBACSchema>): HttpFilterInit {
  return filter("envoy.filters.http.rbac", RBACSchema, config);
}

function filter<Schema extends DescMessage>(
  name: string,
  schema: Schema,
  config: Plain<Schema>,
): HttpFilterInit {
  return { name, configType: { case: "typedConfig", value: typedConfig(schema, config) } };
}
