// The network filters of a chain, by slots. The last one forwards: it speaks HTTP, or passes bytes.

import type { FilterSchema } from "../../gen/envoy/config/listener/v3/listener_components_pb.ts";
import type { ListenerSettings } from "../../view/listener-inputs.ts";
import type { Plain } from "../encode.ts";
import { networkSlotFilter, severalProviderSlots, soleProviderSlots } from "../policy-slot/network-slot.ts";
import { type NetworkPolicySlot, type NetworkSlot, networkPolicySlots, networkSlots } from "../slot-order.ts";
import { inSlots, type SlotFeature } from "../slots.ts";
import type { FilterChainInputs, TcpForward } from "./filter-chain-inputs.ts";
import { httpConnectionManagerFilter } from "./http-connection-manager.ts";
import { tcpProxyFilter } from "./tcp-proxy.ts";

export type NetworkFilterInit = Plain<typeof FilterSchema>;

export type NetworkFilterFeature = SlotFeature<NetworkSlot, FilterChainInputs, NetworkFilterInit>;

export const networkFilterFeatures: readonly NetworkFilterFeature[] = [
  // Where the chain speaks HTTP, policies are enforced on requests.
  ...networkPolicySlots.map(
    (slot): NetworkFilterFeature => ({
      slot,
      fields: [],
      build: ({ forward, settings }) =>
        forward.kind === "tcp" && takesSlot(forward, slot, settings) ? [networkSlotFilter(slot)] : [],
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

function takesSlot({ side }: TcpForward, slot: NetworkPolicySlot, settings: ListenerSettings): boolean {
  const unused = settings.asksSeveralProviders === true ? soleProviderSlots : severalProviderSlots;
  if (unused.some((pair) => pair.includes(slot))) return false;
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
