// AuthorizationPolicies in their slots: what a workload's listeners find under the slots' names.

import { RBAC_Action } from "../../gen/envoy/config/rbac/v3/rbac_pb.ts";
import { RBACSchema } from "../../gen/envoy/extensions/filters/network/rbac/v3/rbac_pb.ts";
import type { AuthorizationInputs } from "../../view/authorization-inputs.ts";
import { typedConfig } from "../encode.ts";
import type { PackedMessage } from "../message-encoder.ts";
import { destinationFilter } from "../policy-slot/first-byte.ts";
import type { ExtensionConfigInit } from "../policy-slot/http-slot.ts";
import { type ProviderSlots, severalProviderSlots, soleProviderSlots } from "../policy-slot/network-slot.ts";
import { buildPolicySlots } from "../policy-slot/policy-slots.ts";
import type { NetworkPolicySlot } from "../slot-order.ts";
import type { TypedFilter } from "../typed-filter.ts";
import { rulesByAction } from "./actions.ts";
import { connectionExpression } from "./connection-expression.ts";
import { customRules } from "./custom-policies.ts";
import { denialHeaderFilter } from "./denial-header.ts";
import { buildHttpAuthorization } from "./http-authorization.ts";
import { rbac } from "./policies.ts";
import { buildTcpAuthorization, type ConnectionCheck } from "./tcp-authorization.ts";

export function buildAuthorizationSlots(inputs: AuthorizationInputs): readonly ExtensionConfigInit[] {
  const { custom, authorization } = buildHttpAuthorization(inputs);
  const explanation = inputs.explainsDenials ? [denialHeaderFilter(inputs)] : [];
  return buildPolicySlots("AuthorizationPolicy", {
    http: { "custom-authorization": custom, authorization: [...explanation, ...authorization] },
    network: networkFilters(inputs),
  });
}

type NetworkFilters = { readonly [S in NetworkPolicySlot<"AuthorizationPolicy">]?: PackedMessage };

function networkFilters(inputs: AuthorizationInputs): NetworkFilters {
  const byAction = rulesByAction(inputs, "tcp");
  const { audit, deny, allow, custom } = buildTcpAuthorization(inputs, byAction);
  const ofPeer = connectionExpression(byAction, "authenticated");
  const ofAnybody = connectionExpression(byAction, "anonymous");
  return {
    ...customFilters(custom, soleProviderSlots, inputs),
    ...customFilters(custom, severalProviderSlots, inputs),
    ...(audit && { "authorization-audit": audit.configType.value }),
    ...(deny && { "authorization-deny": deny.configType.value }),
    ...(allow && { "authorization-allow": allow.configType.value }),
    ...(ofPeer && { "first-byte-mutual-tls": destinationFilter("handshake", ofPeer) }),
    ...(ofAnybody && { "first-byte-plaintext": destinationFilter("start", ofAnybody) }),
  };
}

/** Where there are slots for fewer, connections that anybody would be asked about are refused. */
function customFilters(
  custom: readonly ConnectionCheck[],
  slots: readonly ProviderSlots[],
  inputs: AuthorizationInputs,
): NetworkFilters {
  const [first] = slots;
  if (first === undefined) return {};
  if (custom.length > slots.length) return { [first[0]]: denyAllCustom(inputs) };
  return Object.assign(
    {},
    ...custom.map(({ rules, provider }, at) => {
      const [rulesSlot, providerSlot] = slots[at] ?? first;
      return { [rulesSlot]: packed(rules), ...(provider && { [providerSlot]: packed(provider) }) };
    }),
  );
}

function packed({ configType }: TypedFilter): PackedMessage {
  return configType.value;
}

function denyAllCustom(inputs: AuthorizationInputs): PackedMessage {
  const policies = customRules(inputs, "tcp").map(({ rules }) => rules.policies ?? {});
  return typedConfig(RBACSchema, {
    statPrefix: "tcp.",
    rules: rbac(RBAC_Action.DENY, Object.assign({}, ...policies)),
  });
}
