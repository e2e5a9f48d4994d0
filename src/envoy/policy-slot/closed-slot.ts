// What a slot holds whose filters an Envoy refuses while it has no older ones: nobody gets through. A policy that can't
// be enforced is never left out.

import { RBAC_Action } from "../../gen/envoy/config/rbac/v3/rbac_pb.ts";
import { RBACSchema as HttpRbacSchema } from "../../gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.ts";
import { RBACSchema as NetworkRbacSchema } from "../../gen/envoy/extensions/filters/network/rbac/v3/rbac_pb.ts";
import { celString } from "../cel-string.ts";
import { typedConfig } from "../encode.ts";
import type { PackedMessage } from "../message-encoder.ts";
import { httpPolicySlots, type NetworkPolicySlot, networkPolicySlots } from "../slot-order.ts";
import { typedFilter } from "../typed-filter.ts";
import { rbacDenial } from "./denial.ts";
import { destinationFilter } from "./first-byte.ts";
import { buildHttpSlot, type ExtensionConfigInit, httpSlotName } from "./http-slot.ts";
import { buildNetworkSlot, networkSlotName } from "./network-slot.ts";

/** `policy` is named where a request is refused; undefined for a name that is no slot's. */
export function buildClosedSlot(name: string, policy: string): ExtensionConfigInit | undefined {
  const http = httpPolicySlots.find((slot) => httpSlotName(slot) === name);
  if (http !== undefined) {
    const filter = typedFilter("envoy.filters.http.rbac", HttpRbacSchema, { rules: denyAll(policy) });
    return buildHttpSlot(http, [filter]);
  }
  const network = networkPolicySlots.find((slot) => networkSlotName(slot) === name);
  if (network === undefined) return undefined;
  return buildNetworkSlot(network, closedFilter(network, policy));
}

function closedFilter(slot: NetworkPolicySlot, policy: string): PackedMessage {
  switch (slot) {
    case "first-byte-mutual-tls":
      return destinationFilter("handshake", closed(policy));
    case "first-byte-plaintext":
      return destinationFilter("start", closed(policy));
    default:
      return typedConfig(NetworkRbacSchema, { statPrefix: "tcp.", rules: denyAll(policy) });
  }
}

function closed(policy: string) {
  return { text: "false", denial: celString(rbacDenial(policy)) };
}

function denyAll(policy: string) {
  const anybody = { identifier: { case: "any" as const, value: true } };
  const anything = { rule: { case: "any" as const, value: true } };
  return {
    action: RBAC_Action.DENY,
    policies: { [policy]: { permissions: [anything], principals: [anybody] } },
  };
}
