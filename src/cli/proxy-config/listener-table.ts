// Listeners of a proxy as istioctl shows them: a line for each filter chain, with what it matches and where it leads.

import { renderTable } from "../table.ts";
import type { DumpedAddress, DumpedFilterChain, DumpedListener } from "./config-dump.ts";

export interface ListenerFilter {
  readonly port?: number | undefined;
  readonly address?: string | undefined;
  readonly name?: string | undefined;
}

export function filterListeners(
  listeners: readonly DumpedListener[],
  filter: ListenerFilter,
): DumpedListener[] {
  return listeners.filter(
    ({ name, address }) =>
      (filter.port === undefined || address?.socket_address?.port_value === filter.port) &&
      (filter.address === undefined || addressText(address) === filter.address) &&
      (filter.name === undefined || name === filter.name),
  );
}

export function listenerTable(listeners: readonly DumpedListener[]): string {
  const rows = [...listeners].sort(byPort).flatMap((listener) => {
    const addresses = [
      listener.address,
      ...(listener.additional_addresses ?? []).map(({ address }) => address),
    ];
    const place = [
      addresses.map(addressText).join(","),
      `${listener.address?.socket_address?.port_value ?? 0}`,
    ];
    const chains = (listener.filter_chains ?? []).map((chain) => [
      ...place,
      matchText(chain),
      destinationText(chain),
    ]);
    const last = listener.default_filter_chain;
    return last === undefined ? chains : [...chains, [...place, "ALL", destinationText(last)]];
  });
  return renderTable(["ADDRESSES", "PORT", "MATCH", "DESTINATION"], rows);
}

export function addressText(address: DumpedAddress | undefined): string {
  const internal = address?.envoy_internal_address;
  const inside = internal?.server_listener_name ?? internal?.endpoint_id;
  return address?.socket_address?.address ?? address?.pipe?.path ?? inside ?? "";
}

export function matchText({ filter_chain_match: match = {} }: DumpedFilterChain): string {
  const { server_names = [], transport_protocol, application_protocols = [], prefix_ranges = [] } = match;
  const parts = [
    server_names.length > 0 ? `SNI: ${server_names.join(",")}` : "",
    transport_protocol === undefined || transport_protocol === "" ? "" : `Trans: ${transport_protocol}`,
    application_protocols.length > 0 ? `App: ${application_protocols.join(",")}` : "",
    prefix_ranges.length > 0 ? `Addr: ${prefix_ranges.map(rangeText).join(",")}` : "",
    match.destination_port === undefined ? "" : `Port: ${match.destination_port}`,
  ].filter((part) => part !== "");
  return parts.length === 0 ? "ALL" : parts.join("; ");
}

function rangeText({
  address_prefix = "",
  prefix_len = 0,
}: {
  address_prefix?: string;
  prefix_len?: number;
}): string {
  const isOne = prefix_len === (address_prefix.includes(":") ? 128 : 32);
  return isOne ? address_prefix : `${address_prefix}/${prefix_len}`;
}

export function destinationText({ filters = [] }: DumpedFilterChain): string {
  for (const { typed_config: config } of filters) {
    if (config?.rds?.route_config_name !== undefined) return `Route: ${config.rds.route_config_name}`;
    if (config?.route_config !== undefined) return `Inline Route: ${config.route_config.name || "unnamed"}`;
    if (config?.cluster !== undefined) return `Cluster: ${config.cluster}`;
    const weighted = config?.weighted_clusters?.clusters;
    if (weighted !== undefined)
      return `Cluster: ${weighted.map(({ name, weight }) => `${name} (${weight})`).join(", ")}`;
  }
  return "Non-HTTP/Non-TCP";
}

function byPort(one: DumpedListener, other: DumpedListener): number {
  const port = ({ address }: DumpedListener) => address?.socket_address?.port_value ?? 0;
  return port(one) - port(other) || addressText(one.address).localeCompare(addressText(other.address));
}
