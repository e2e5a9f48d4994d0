// In which order requests and connections meet the filters of a listener: the one list of slots for each. The filters of
// `built` slots are part of the listener; those of a kind's slots come by ECDS under the slot's name, as its policies say,
// so that a change of policies closes no connection. Istio's order.

import type { EnforcedKind } from "../kinds/all-kinds.ts";

type SlotOrder = Readonly<Record<string, "built" | EnforcedKind>>;

const http = {
  "peer-metadata": "built",
  "token-concealment": "RequestAuthentication",
  "custom-authorization": "AuthorizationPolicy",
  "authentication-extensions": "built",
  jwt: "RequestAuthentication",
  "authorization-extensions": "built",
  authorization: "AuthorizationPolicy",
  extensions: "built",
  "rate-limit": "built",
  "grpc-web": "built",
  "grpc-stats": "built",
  "application-protocol": "built",
  fault: "built",
  cors: "built",
  session: "built",
  router: "built",
} as const satisfies SlotOrder;

/**
 * A listener has either the first two slots of authorization by a provider, for one, or the numbered ones, for several.
 * What either hold is right by itself, so that nothing is open while a listener goes from one to the other. The slots of
 * the first byte decide, before the server may say anything, where an allowed connection goes: under mTLS, where that is
 * known only after the handshake, and in plaintext.
 */
const network = {
  "peer-metadata": "built",
  "custom-authorization-rules": "AuthorizationPolicy",
  "custom-authorization": "AuthorizationPolicy",
  "custom-authorization-rules-1": "AuthorizationPolicy",
  "custom-authorization-1": "AuthorizationPolicy",
  "custom-authorization-rules-2": "AuthorizationPolicy",
  "custom-authorization-2": "AuthorizationPolicy",
  "custom-authorization-rules-3": "AuthorizationPolicy",
  "custom-authorization-3": "AuthorizationPolicy",
  "custom-authorization-rules-4": "AuthorizationPolicy",
  "custom-authorization-4": "AuthorizationPolicy",
  "authentication-extensions": "built",
  "authorization-extensions": "built",
  "authorization-audit": "AuthorizationPolicy",
  "authorization-deny": "AuthorizationPolicy",
  "authorization-allow": "AuthorizationPolicy",
  "first-byte-mutual-tls": "AuthorizationPolicy",
  "first-byte-plaintext": "AuthorizationPolicy",
  extensions: "built",
  "rate-limit": "built",
  forward: "built",
} as const satisfies SlotOrder;

type SlotOf<Order> = keyof Order & string;
type OwnedSlot<Order, K> = { [S in SlotOf<Order>]: Order[S] extends K ? S : never }[SlotOf<Order>];

export type HttpSlot = SlotOf<typeof http>;
export type HttpPolicySlot<K extends EnforcedKind = EnforcedKind> = OwnedSlot<typeof http, K>;
export type NetworkSlot = SlotOf<typeof network>;
export type NetworkPolicySlot<K extends EnforcedKind = EnforcedKind> = OwnedSlot<typeof network, K>;

/** What is met first is first. */
export const httpSlots = Object.keys(http) as readonly HttpSlot[];
export const networkSlots = Object.keys(network) as readonly NetworkSlot[];

export const httpPolicySlots = ownedSlots(http) as readonly HttpPolicySlot[];
export const networkPolicySlots = ownedSlots(network) as readonly NetworkPolicySlot[];

export function httpSlotsOf(kind: EnforcedKind): readonly HttpPolicySlot[] {
  return ownedSlots(http, kind) as readonly HttpPolicySlot[];
}

export function networkSlotsOf(kind: EnforcedKind): readonly NetworkPolicySlot[] {
  return ownedSlots(network, kind) as readonly NetworkPolicySlot[];
}

/** Of one kind, or of any. */
function ownedSlots(order: SlotOrder, kind?: EnforcedKind): readonly string[] {
  return Object.keys(order).filter((slot) =>
    kind === undefined ? order[slot] !== "built" : order[slot] === kind,
  );
}
