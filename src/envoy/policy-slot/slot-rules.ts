// The rules of policies that are found in a slot, by the names that the builders gave them: which policy each is of, and
// whether it decides. Slots of other filters show none.

import { fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { type ObjectKey, objectKey } from "../../core/object-key.ts";
import { TypedExtensionConfigSchema } from "../../gen/envoy/config/core/v3/extension_pb.ts";
import { PolicySchema, type RBAC, RBAC_Action } from "../../gen/envoy/config/rbac/v3/rbac_pb.ts";
import { FilterChainConfigSchema } from "../../gen/envoy/extensions/filters/http/filter_chain/v3/filter_chain_pb.ts";
import { RBACSchema as HttpRbacSchema } from "../../gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.ts";
import { RBACSchema as NetworkRbacSchema } from "../../gen/envoy/extensions/filters/network/rbac/v3/rbac_pb.ts";
import { EXT_AUTHZ_STAT_PREFIX } from "./denial.ts";

export interface SlotRule {
  readonly object: ObjectKey;
  /** False of what only counts or logs. */
  readonly decides: boolean;
  /** Its name and its bytes. */
  readonly text: string;
}

/** `body`: a slot's resource as it is served. */
export function rulesInSlot(body: readonly Uint8Array[]): readonly SlotRule[] {
  const { typedConfig } = fromBinary(TypedExtensionConfigSchema, Buffer.concat(body));
  return typedConfig === undefined ? [] : rulesInFilter(typedConfig);
}

/** A slot in which nothing is to be done. */
export function isEmptySlot(body: readonly Uint8Array[]): boolean {
  const { typedConfig } = fromBinary(TypedExtensionConfigSchema, Buffer.concat(body));
  return typedConfig === undefined || typedConfig.value.length === 0;
}

function rulesInFilter({ typeUrl, value }: Any): readonly SlotRule[] {
  switch (typeUrl.split("/").at(-1)) {
    case FilterChainConfigSchema.typeName: {
      const filters = fromBinary(FilterChainConfigSchema, value).defaultFilterChain?.filters ?? [];
      return filters.flatMap(({ typedConfig }) =>
        typedConfig === undefined ? [] : rulesInFilter(typedConfig),
      );
    }
    case HttpRbacSchema.typeName:
      return rulesInRbac(fromBinary(HttpRbacSchema, value));
    case NetworkRbacSchema.typeName:
      return rulesInRbac(fromBinary(NetworkRbacSchema, value));
    default:
      return [];
  }
}

interface RbacFilter {
  readonly rules?: RBAC | undefined;
  readonly shadowRules?: RBAC | undefined;
  readonly shadowRulesStatPrefix: string;
}

/** Shadow rules decide where somebody is asked by them. */
function rulesInRbac({ rules, shadowRules, shadowRulesStatPrefix }: RbacFilter): readonly SlotRule[] {
  return [
    ...namedRules(rules, rules?.action !== RBAC_Action.LOG),
    ...namedRules(shadowRules, shadowRulesStatPrefix === EXT_AUTHZ_STAT_PREFIX),
  ];
}

// With what precedes the names of rules by which somebody is asked.
const NAME = /(?:^|-)ns\[([^\]]*)\]-policy\[([^\]]*)\]-rule\[\d+\]/;

function namedRules(rbac: RBAC | undefined, decides: boolean): readonly SlotRule[] {
  return Object.entries(rbac?.policies ?? {}).flatMap(([ruleName, rule]) => {
    const [, namespace, name] = NAME.exec(ruleName) ?? [];
    if (namespace === undefined || name === undefined) return [];
    const object = objectKey({ kind: "AuthorizationPolicy", namespace, name });
    const bytes = Buffer.from(toBinary(PolicySchema, rule)).toString("latin1");
    return [{ object, decides, text: `${ruleName} ${rbac?.action} ${bytes}` }];
  });
}
