// Filters that look at a connection before a filter chain is picked.

import type { DescMessage } from "@bufbuild/protobuf";
import type { ListenerFilterSchema } from "../../gen/envoy/config/listener/v3/listener_components_pb.ts";
import { HttpInspectorSchema } from "../../gen/envoy/extensions/filters/listener/http_inspector/v3/http_inspector_pb.ts";
import { OriginalDstSchema } from "../../gen/envoy/extensions/filters/listener/original_dst/v3/original_dst_pb.ts";
import { ProxyProtocolSchema } from "../../gen/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol_pb.ts";
import { TlsInspectorSchema } from "../../gen/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.ts";
import { claims } from "../../kinds/claims.ts";
import { meshConfigKind } from "../../kinds/mesh-config/mesh-config.ts";
import type { Plain } from "../encode.ts";
import { inSlots, type SlotFeature } from "../slots.ts";
import { typedFilter } from "../typed-filter.ts";

type ListenerFilterInit = Plain<typeof ListenerFilterSchema>;

/** What of a connection is looked at, and on which ports; absent: it isn't. */
export interface Inspection {
  /** A header of the PROXY protocol, without which a connection is refused: whose connection it passes on. */
  readonly proxyProtocol?: boolean;
  /** Where it was going before it was redirected. */
  readonly originalDestination?: boolean;
  /** TLS or not, and its server name and ALPN. */
  readonly tls?: InspectedPorts;
  /** HTTP/1.x or h2c by the first bytes of plaintext, where the protocol isn't known. */
  readonly http?: InspectedPorts;
}

/** A connection meets the first one first. */
export const listenerSlots = [
  "original-destination",
  "proxy-protocol",
  "tls-inspector",
  "http-inspector",
] as const;

export type ListenerFilterFeature = SlotFeature<
  (typeof listenerSlots)[number],
  Inspection,
  ListenerFilterInit
>;

export const listenerFilterFeatures: readonly ListenerFilterFeature[] = [
  {
    slot: "original-destination",
    fields: [],
    build: ({ originalDestination }) =>
      originalDestination ? [typedFilter("envoy.filters.listener.original_dst", OriginalDstSchema, {})] : [],
  },
  {
    slot: "proxy-protocol",
    fields: claims(meshConfigKind, ["spec.defaultConfig.gatewayTopology.proxyProtocol"]),
    build: ({ proxyProtocol }) =>
      proxyProtocol ? [typedFilter("envoy.filters.listener.proxy_protocol", ProxyProtocolSchema, {})] : [],
  },
  {
    slot: "tls-inspector",
    fields: [],
    build: ({ tls }) => inspector("envoy.filters.listener.tls_inspector", TlsInspectorSchema, tls),
  },
  {
    slot: "http-inspector",
    fields: [],
    build: ({ http }) => inspector("envoy.filters.listener.http_inspector", HttpInspectorSchema, http),
  },
];

export const buildListenerFilters = inSlots(listenerSlots, listenerFilterFeatures);

function inspector(
  name: string,
  schema: DescMessage,
  ports: InspectedPorts | undefined,
): readonly ListenerFilterInit[] {
  return ports === undefined ? [] : [{ ...typedFilter(name, schema, {}), ...disabledOn(ports) }];
}

/** The ports whose connections a filter looks at. An inspector waits for the client's bytes: a server may speak first. */
export type InspectedPorts = { readonly except: readonly number[] } | { readonly only: readonly number[] };

export const EVERY_PORT: InspectedPorts = { except: [] };

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
