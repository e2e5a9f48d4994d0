// The network filters of a chain, by slots. The last one forwards: it speaks HTTP, or passes bytes.

import type { FilterSchema } from "../../gen/envoy/config/listener/v3/listener_components_pb.ts";
import type { Plain } from "../encode.ts";
import { inSlots, type SlotFeature } from "../slots.ts";
import type { FilterChainInputs } from "./filter-chain-inputs.ts";
import { httpConnectionManagerFilter } from "./http-connection-manager.ts";
import { tcpProxyFilter } from "./tcp-proxy.ts";

export type NetworkFilterInit = Plain<typeof FilterSchema>;

/** A connection meets the first one first. */
export const networkSlots = [
  "peer-metadata",
  "custom-authorization",
  "authentication-extensions",
  "authorization-extensions",
  "authorization",
  "first-byte",
  "extensions",
  "rate-limit",
  "forward",
] as const;

export type NetworkSlot = (typeof networkSlots)[number];

export type NetworkFilterFeature = SlotFeature<NetworkSlot, FilterChainInputs, NetworkFilterInit>;

export const networkFilterFeatures: readonly NetworkFilterFeature[] = [
  {
    slot: "forward",
    fields: [],
    build: ({ forward, settings }) => [
      forward.kind === "http"
        ? httpConnectionManagerFilter(forward, settings)
        : tcpProxyFilter(forward.destinations, settings),
    ],
  },
];

export const buildNetworkFilters = inSlots(networkSlots, networkFilterFeatures);
