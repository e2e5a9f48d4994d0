// Slots for policies among the network filters of chains that pass bytes. Envoy has no chain of network filters as one
// resource, so each slot is one filter, and one that does nothing where no policy fills it.

import type { FilterSchema } from "../../gen/envoy/config/listener/v3/listener_components_pb.ts";
import { ExtAuthzSchema } from "../../gen/envoy/extensions/filters/network/ext_authz/v3/ext_authz_pb.ts";
import { RBACSchema } from "../../gen/envoy/extensions/filters/network/rbac/v3/rbac_pb.ts";
import { ConfigSchema as SetFilterStateSchema } from "../../gen/envoy/extensions/filters/network/set_filter_state/v3/set_filter_state_pb.ts";
import { type Plain, typedConfig } from "../encode.ts";
import type { PackedMessage } from "../message-encoder.ts";
import type { NetworkPolicySlot } from "../slot-order.ts";
import { discoveredConfig } from "./extension-discovery.ts";
import type { ExtensionConfigInit } from "./http-slot.ts";

/** The rules by which somebody is asked, and who is; one pair for each provider. */
export type ProviderSlots = readonly [rules: NetworkPolicySlot, provider: NetworkPolicySlot];

export const soleProviderSlots: readonly ProviderSlots[] = [
  ["custom-authorization-rules", "custom-authorization"],
];

/** As many as `MAX_CONNECTION_PROVIDERS`. */
export const severalProviderSlots: readonly ProviderSlots[] = [
  ["custom-authorization-rules-1", "custom-authorization-1"],
  ["custom-authorization-rules-2", "custom-authorization-2"],
  ["custom-authorization-rules-3", "custom-authorization-3"],
  ["custom-authorization-rules-4", "custom-authorization-4"],
];

/** Of the resource and of the filter that it configures. */
export function networkSlotName(slot: NetworkPolicySlot): string {
  return `meltemi.network.${slot}`;
}

export function networkSlotFilter(slot: NetworkPolicySlot): Plain<typeof FilterSchema> {
  return {
    name: networkSlotName(slot),
    configType: discoveredConfig([RBACSchema, ExtAuthzSchema, SetFilterStateSchema]),
  };
}

/** Without a filter connections pass. */
export function buildNetworkSlot(
  slot: NetworkPolicySlot,
  filter: PackedMessage = typedConfig(SetFilterStateSchema, {}),
): ExtensionConfigInit {
  return { name: networkSlotName(slot), typedConfig: filter };
}
