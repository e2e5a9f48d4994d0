// AuthorizationPolicies as network filters, for connections that aren't HTTP.

import { RBAC_Action } from "../../gen/envoy/config/rbac/v3/rbac_pb.ts";
import { ExtAuthzSchema } from "../../gen/envoy/extensions/filters/network/ext_authz/v3/ext_authz_pb.ts";
import { RBACSchema } from "../../gen/envoy/extensions/filters/network/rbac/v3/rbac_pb.ts";
import type { AuthorizationInputs } from "../../view/authorization-inputs.ts";
import type { Plain } from "../encode.ts";
import { EXT_AUTHZ_STAT_PREFIX } from "../policy-slot/denial.ts";
import { type TypedFilter, typedFilter } from "../typed-filter.ts";
import { type RulesByAction, rulesByAction } from "./actions.ts";
import { customRules } from "./custom-policies.ts";
import { type NamedRules, type RbacInit, type RbacRules, rbac } from "./policies.ts";
import { shadowRulesStatPrefix } from "./shadow-prefix.ts";

/** A connection is to meet them in this order; absent: no policy has the action. */
export interface TcpAuthorization {
  /** One for each provider that is asked, and one at least where any policy denies for want of its provider. */
  readonly custom: readonly ConnectionCheck[];
  readonly audit?: TypedFilter;
  readonly deny?: TypedFilter;
  readonly allow?: TypedFilter;
}

export interface ConnectionCheck {
  /** Denies what nobody can be asked about, and finds what the provider is to be asked about. */
  readonly rules: TypedFilter;
  /** Works by what the rules found; absent where nobody is asked. */
  readonly provider?: TypedFilter;
}

/** `byAction`: the same policies' rules for connections, where they are at hand. */
export function buildTcpAuthorization(
  inputs: AuthorizationInputs,
  byAction: RulesByAction = rulesByAction(inputs, "tcp"),
): TcpAuthorization {
  return {
    custom: connectionChecks(inputs),
    ...actionFilter("audit", byAction.AUDIT),
    ...actionFilter("deny", byAction.DENY),
    ...actionFilter("allow", byAction.ALLOW),
  };
}

/** A provider that is asked by HTTP has no say on connections, as in Istio. */
function connectionChecks(inputs: AuthorizationInputs): readonly ConnectionCheck[] {
  const custom = customRules(inputs, "tcp");
  const denying = custom.flatMap((each) => (each.kind === "deny" ? [each.rules] : []));
  const rules = denying.length === 0 ? {} : { rules: merged(denying) };
  const asking = custom.flatMap((each) => {
    if (each.kind === "deny" || each.provider.tcp === undefined) return [];
    return [{ shadowRules: each.rules, tcp: each.provider.tcp }];
  });
  if (asking.length === 0) return denying.length === 0 ? [] : [{ rules: rbacFilter(rules) }];
  return asking.map(({ shadowRules, tcp }, at) => ({
    rules: rbacFilter({
      ...(at === 0 ? rules : {}),
      shadowRules,
      shadowRulesStatPrefix: EXT_AUTHZ_STAT_PREFIX,
    }),
    provider: typedFilter("envoy.filters.network.ext_authz", ExtAuthzSchema, tcp),
  }));
}

function merged(all: readonly RbacInit[]): RbacInit {
  const policies: NamedRules = Object.assign({}, ...all.map((each) => each.policies ?? {}));
  return rbac(RBAC_Action.DENY, policies);
}

type Action = "audit" | "deny" | "allow";

function actionFilter(name: Action, rules: RbacRules | undefined): { [K in Action]?: TypedFilter } {
  if (rules === undefined) return {};
  return { [name]: rbacFilter({ ...rules, shadowRulesStatPrefix: shadowRulesStatPrefix(rules) }) };
}

function rbacFilter(config: Plain<typeof RBACSchema>): TypedFilter {
  return typedFilter("envoy.filters.network.rbac", RBACSchema, { ...config, statPrefix: "tcp." });
}
