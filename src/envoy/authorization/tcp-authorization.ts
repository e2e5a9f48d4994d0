// AuthorizationPolicies as network filters, for connections that aren't HTTP.

import { ExtAuthzSchema } from "../../gen/envoy/extensions/filters/network/ext_authz/v3/ext_authz_pb.ts";
import { RBACSchema } from "../../gen/envoy/extensions/filters/network/rbac/v3/rbac_pb.ts";
import type { AuthorizationInputs } from "../../view/authorization-inputs.ts";
import type { Plain } from "../encode.ts";
import { type TypedFilter, typedFilter } from "../typed-filter.ts";
import { rulesOfAction } from "./actions.ts";
import { customRules } from "./custom-policies.ts";
import { EXT_AUTHZ_STAT_PREFIX } from "./external-authorization.ts";
import { shadowRulesStatPrefix } from "./shadow-prefix.ts";

/** A connection is to meet them in this order; absent: no policy has the action. */
export interface TcpAuthorization {
  /** Of each provider two, of which the second works by what the first one found; or one that denies. */
  readonly custom: readonly TypedFilter[];
  readonly audit?: TypedFilter;
  readonly deny?: TypedFilter;
  readonly allow?: TypedFilter;
}

export function buildTcpAuthorization(inputs: AuthorizationInputs): TcpAuthorization {
  return {
    custom: customFilters(inputs),
    ...actionFilter("audit", inputs),
    ...actionFilter("deny", inputs),
    ...actionFilter("allow", inputs),
  };
}

/** A provider that is asked by HTTP has no say on connections, as in Istio. */
function customFilters(inputs: AuthorizationInputs): readonly TypedFilter[] {
  return customRules(inputs, "tcp").flatMap((custom) => {
    if (custom.kind === "deny") return [rbacFilter({ rules: custom.rules })];
    if (custom.provider.tcp === undefined) return [];
    return [
      rbacFilter({ shadowRules: custom.rules, shadowRulesStatPrefix: EXT_AUTHZ_STAT_PREFIX }),
      typedFilter("envoy.filters.network.ext_authz", ExtAuthzSchema, custom.provider.tcp),
    ];
  });
}

type Action = "audit" | "deny" | "allow";

const actions = { audit: "AUDIT", deny: "DENY", allow: "ALLOW" } as const;

function actionFilter(name: Action, inputs: AuthorizationInputs): { [K in Action]?: TypedFilter } {
  const rules = rulesOfAction(inputs, actions[name], "tcp");
  if (rules === undefined) return {};
  return { [name]: rbacFilter({ ...rules, shadowRulesStatPrefix: shadowRulesStatPrefix(rules) }) };
}

function rbacFilter(config: Plain<typeof RBACSchema>): TypedFilter {
  return typedFilter("envoy.filters.network.rbac", RBACSchema, { ...config, statPrefix: "tcp." });
}
