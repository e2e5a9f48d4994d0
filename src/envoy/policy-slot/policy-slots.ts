// All that fills the slots of one kind of policy. Each of its slots is filled always, also with nothing: a listener whose
// slot is empty refuses all traffic.

import type { EnforcedKind } from "../../kinds/all-kinds.ts";
import type { PackedMessage } from "../message-encoder.ts";
import { type HttpPolicySlot, httpSlotsOf, type NetworkPolicySlot, networkSlotsOf } from "../slot-order.ts";
import type { TypedFilter } from "../typed-filter.ts";
import { buildHttpSlot, type ExtensionConfigInit } from "./http-slot.ts";
import { buildNetworkSlot } from "./network-slot.ts";

/** By slot; where there is none, requests and connections pass. */
export interface PolicyFilters<K extends EnforcedKind> {
  readonly http?: { readonly [S in HttpPolicySlot<K>]?: readonly TypedFilter[] };
  readonly network?: { readonly [S in NetworkPolicySlot<K>]?: PackedMessage };
}

export function buildPolicySlots<K extends EnforcedKind>(
  kind: K,
  filters: PolicyFilters<K>,
): readonly ExtensionConfigInit[] {
  const { http = {}, network = {} } = filters as PolicyFilters<EnforcedKind>;
  return [
    ...httpSlotsOf(kind).map((slot) => buildHttpSlot(slot, http[slot] ?? [])),
    ...networkSlotsOf(kind).map((slot) => buildNetworkSlot(slot, network[slot])),
  ];
}
