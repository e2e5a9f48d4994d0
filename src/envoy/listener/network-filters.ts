// The network filters of a chain, by slots. The last one forwards: it speaks HTTP, or passes bytes.

import type { FilterSchema } from "../../gen/envoy/config/listener/v3/listener_components_pb.ts";
import type { Plain } from "../encode.ts";
import {
  type NetworkPolicySlot,
  networkPolicySlots,
  networkSlotFilter,
} from "../policy-slot/network-slot.ts";
import { inSlots, type SlotFeature } from "../slots.ts";
import type { FilterChainInputs, TcpForward } from "./filter-chain-inputs.ts";
import { httpConnectionManagerFilter } from "./http-connection-manager.ts";
import { tcpProxyFilter } from "./tcp-proxy.ts";

export type NetworkFilterInit = Plain<typeof FilterSchema>;

/** A connection meets the first one first. */
export const networkSlots = [
  "peer-metadata",
  "custom-authorization-rules",
  "custom-authorization",
  "authentication-extensions",
  "authorization-extensions",
  "authorization-audit",
  "authorization-deny",
  "authorization-allow",
  "first-byte-mutual-tls",
  "first-byte-plaintext",
  "extensions",
  "rate-limit",
  "forward",
] as const;

export type NetworkSlot = (typeof networkSlots)[number];

export type NetworkFilterFeature = SlotFeature<NetworkSlot, FilterChainInputs, NetworkFilterInit>;

export const networkFilterFeatures: readonly NetworkFilterFeature[] = [
  // Where the chain speaks HTTP, policies are enforced on requests.
  ...networkPolicySlots.map(
    (slot): NetworkFilterFeature => ({
      slot,
      fields: [],
      build: ({ forward }) =>
        forward.kind === "tcp" && takesSlot(forward, slot) ? [networkSlotFilter(slot)] : [],
    }),
  ),
  {
    slot: "forward",
    fields: [],
    build: ({ forward, settings }) => [
      forward.kind === "http"
        ? httpConnectionManagerFilter(forward, settings)
        : tcpProxyFilter(forward, settings),
    ],
  },
];

function takesSlot({ side }: TcpForward, slot: NetworkPolicySlot): boolean {
  switch (slot) {
    case "first-byte-mutual-tls":
      return side === "inbound-mutual-tls";
    case "first-byte-plaintext":
      return side === "inbound-plaintext";
    default:
      return side !== "outbound";
  }
}

export const buildNetworkFilters = inSlots(networkSlots, networkFilterFeatures);
