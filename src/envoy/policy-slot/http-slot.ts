// Slots for policies among the HTTP filters: each is one `filter_chain` filter under a name that never changes, whose
// filters come by ECDS. A change of policies then changes no listener, and closes no connection.

import type { TypedExtensionConfigSchema } from "../../gen/envoy/config/core/v3/extension_pb.ts";
import { FilterChainConfigSchema } from "../../gen/envoy/extensions/filters/http/filter_chain/v3/filter_chain_pb.ts";
import type { HttpFilterSchema } from "../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { type Plain, typedConfig } from "../encode.ts";
import type { HttpPolicySlot } from "../slot-order.ts";
import type { TypedFilter } from "../typed-filter.ts";
import { discoveredConfig } from "./extension-discovery.ts";

export type ExtensionConfigInit = Plain<typeof TypedExtensionConfigSchema>;

/** Of the resource and of the filter that it configures. */
export function httpSlotName(slot: HttpPolicySlot): string {
  return `meltemi.http.${slot}`;
}

export function httpSlotFilter(slot: HttpPolicySlot): Plain<typeof HttpFilterSchema> {
  return { name: httpSlotName(slot), configType: discoveredConfig([FilterChainConfigSchema]) };
}

/** The filters under their own names, by which routes address them; without any, requests pass. */
export function buildHttpSlot(slot: HttpPolicySlot, filters: readonly TypedFilter[]): ExtensionConfigInit {
  const nested = filters.map(({ name, configType }) => ({ name, typedConfig: configType.value }));
  const config = nested.length === 0 ? {} : { defaultFilterChain: { filters: nested } };
  return { name: httpSlotName(slot), typedConfig: typedConfig(FilterChainConfigSchema, config) };
}
