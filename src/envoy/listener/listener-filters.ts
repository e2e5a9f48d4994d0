// Filters that look at a connection before a filter chain is picked.

import type { ListenerFilterSchema } from "../../gen/envoy/config/listener/v3/listener_components_pb.ts";
import { HttpInspectorSchema } from "../../gen/envoy/extensions/filters/listener/http_inspector/v3/http_inspector_pb.ts";
import { OriginalDstSchema } from "../../gen/envoy/extensions/filters/listener/original_dst/v3/original_dst_pb.ts";
import { TlsInspectorSchema } from "../../gen/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.ts";
import { type Plain, typedConfig } from "../encode.ts";

type ListenerFilterInit = Plain<typeof ListenerFilterSchema>;

/** Where the connection was going before it was redirected. */
export function originalDestinationFilter(): ListenerFilterInit {
  return {
    name: "envoy.filters.listener.original_dst",
    configType: { case: "typedConfig", value: typedConfig(OriginalDstSchema, {}) },
  };
}

/** TLS or not, and its server name and ALPN. */
export function tlsInspectorFilter(): ListenerFilterInit {
  return {
    name: "envoy.filters.listener.tls_inspector",
    configType: { case: "typedConfig", value: typedConfig(TlsInspectorSchema, {}) },
  };
}

/** HTTP/1.x or h2c by the first bytes of plaintext, where the protocol isn't known. */
export function httpInspectorFilter(exceptPorts: readonly number[] = []): ListenerFilterInit {
  return {
    name: "envoy.filters.listener.http_inspector",
    configType: { case: "typedConfig", value: typedConfig(HttpInspectorSchema, {}) },
    ...(exceptPorts.length === 0 ? {} : { filterDisabled: onPorts(exceptPorts) }),
  };
}

function onPorts(ports: readonly number[]): NonNullable<ListenerFilterInit["filterDisabled"]> {
  const rules = ports.map((start) => ({
    rule: { case: "destinationPortRange" as const, value: { start, end: start + 1 } },
  }));
  const [only] = rules;
  if (rules.length === 1 && only !== undefined) return only;
  return { rule: { case: "orMatch", value: { rules } } };
}
