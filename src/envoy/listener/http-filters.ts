// The HTTP filters of a connection manager, by slots: a feature says which slot its filters stand in, and the slots say
// in which order requests meet them.

import { CorsSchema } from "../../gen/envoy/extensions/filters/http/cors/v3/cors_pb.ts";
import { HTTPFaultSchema } from "../../gen/envoy/extensions/filters/http/fault/v3/fault_pb.ts";
import { FilterConfigSchema as GrpcStatsSchema } from "../../gen/envoy/extensions/filters/http/grpc_stats/v3/config_pb.ts";
import { GrpcWebSchema } from "../../gen/envoy/extensions/filters/http/grpc_web/v3/grpc_web_pb.ts";
import { RouterSchema } from "../../gen/envoy/extensions/filters/http/router/v3/router_pb.ts";
import type { HttpFilterSchema } from "../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { sniffedAlpnFilter } from "../application-protocol.ts";
import type { Plain } from "../encode.ts";
import { httpSlotFilter } from "../policy-slot/http-slot.ts";
import { CORS_FILTER } from "../route/cors-policy.ts";
import { FAULT_FILTER } from "../route/fault.ts";
import { type HttpSlot, httpPolicySlots, httpSlots } from "../slot-order.ts";
import { inSlots, type SlotFeature } from "../slots.ts";
import { typedFilter } from "../typed-filter.ts";
import type { HttpForward } from "./filter-chain-inputs.ts";

export type HttpFilterInit = Plain<typeof HttpFilterSchema>;

export type HttpFilterFeature = SlotFeature<HttpSlot, HttpForward, HttpFilterInit>;

export const httpFilterFeatures: readonly HttpFilterFeature[] = [
  ...httpPolicySlots.map(
    (slot): HttpFilterFeature => ({
      slot,
      fields: [],
      build: ({ side }) => (side === "outbound" ? [] : [httpSlotFilter(slot)]),
    }),
  ),
  {
    slot: "grpc-web",
    fields: [],
    build: ({ hasGrpcWeb }) =>
      hasGrpcWeb ? [typedFilter("envoy.filters.http.grpc_web", GrpcWebSchema, {})] : [],
  },
  {
    slot: "grpc-stats",
    fields: [],
    build: () => [typedFilter("envoy.filters.http.grpc_stats", GrpcStatsSchema, { emitFilterState: true })],
  },
  {
    slot: "application-protocol",
    fields: [],
    build: ({ side }) => (side === "outbound" || side === "gateway" ? [sniffedAlpnFilter()] : []),
  },
  // What they do is each route's own configuration.
  { slot: "fault", fields: [], build: () => [typedFilter(FAULT_FILTER, HTTPFaultSchema, {})] },
  { slot: "cors", fields: [], build: () => [typedFilter(CORS_FILTER, CorsSchema, {})] },
  { slot: "router", fields: [], build: () => [typedFilter("envoy.filters.http.router", RouterSchema, {})] },
];

export const buildHttpFilters = inSlots(httpSlots, httpFilterFeatures);
