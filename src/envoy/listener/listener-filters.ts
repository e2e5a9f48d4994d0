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
export function tlsInspectorFilter(ports: InspectedPorts = EVERY_PORT): ListenerFilterInit {
  return {
    name: "envoy.filters.listener.tls_inspector",
    configType: { case: "typedConfig", value: typedConfig(TlsInspectorSchema, {}) },
    ...disabledOn(ports),
  };
}

/** HTTP/1.x or h2c by the first bytes of plaintext, where the protocol isn't known. */
export function httpInspectorFilter(ports: InspectedPorts = EVERY_PORT): ListenerFilterInit {
  return {
    name: "envoy.filters.listener.http_inspector",
    configType: { case: "typedConfig", value: typedConfig(HttpInspectorSchema, {}) },
    ...disabledOn(ports),
  };
}

/** The ports whose connections a filter looks at. An inspector waits for the client's bytes: a server may speak first. */
export type InspectedPorts = { readonly except: readonly number[] } | { readonly only: readonly number[] };

const EVERY_PORT: InspectedPorts = { except: [] };

function disabledOn(ports: InspectedPorts): Pick<ListenerFilterInit, "filterDisabled"> {
  if ("except" in ports) return ports.except.length === 0 ? {} : { filterDisabled: onPorts(ports.except) };
  if (ports.only.length === 0) return { filterDisabled: { rule: { case: "anyMatch", value: true } } };
  return { filterDisabled: { rule: { case: "notMatch", value: onPorts(ports.only) } } };
}

function onPorts(ports: readonly number[]): NonNullable<ListenerFilterInit["filterDisabled"]> {
  const rules = ports.map((start) => ({
    rule: { case: "destinationPortRange" as const, value: { start, end: start + 1 } },
  }));
  const [only] = rules;
  if (rules.length === 1 && only !== undefined) return only;
  return { rule: { case: "orMatch", value: { rules } } };
}
