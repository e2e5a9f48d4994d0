// ALPN between sidecars says "this is mesh traffic, and of this protocol" (Istio's `istio-http/1.1`, `istio-h2`,
// `istio`), so that the server can pick a filter chain before a byte is decrypted. Unmodified Envoy has no filter
// of Istio's for it: a cluster with one protocol names it in its TLS context; where the protocol is sniffed, a
// set_filter_state filter on the route overrides the TCP default.

import { FilterConfigSchema } from "../gen/envoy/config/route/v3/route_components_pb.ts";
import { FilterStateValue_SharedWithUpstream } from "../gen/envoy/extensions/filters/common/set_filter_state/v3/value_pb.ts";
import { ConfigSchema } from "../gen/envoy/extensions/filters/http/set_filter_state/v3/set_filter_state_pb.ts";
import { typedConfig } from "./encode.ts";
import type { PackedMessage } from "./message-encoder.ts";

export const HTTP1_ALPN = ["istio-http/1.1", "istio", "http/1.1"] as const;
export const HTTP2_ALPN = ["istio-h2", "istio", "h2"] as const;
export const TCP_ALPN = ["istio"] as const;

/** What a server's filter chain for mesh HTTP matches, and for any mesh traffic. */
export const MESH_HTTP_ALPN = ["istio-http/1.0", "istio-http/1.1", "istio-h2"] as const;
export const MESH_TCP_ALPN = ["istio-peer-exchange", "istio"] as const;

// The client's codec follows the request's (use_downstream_protocol), so neither http/1.1 nor h2 may be agreed on
// by ALPN: the server finds the protocol by its first bytes.
const SNIFFED_HTTP_ALPN = "istio-http/1.1,istio";

const FILTER_NAME = "meltemi.sniffed_alpn";

/** Stands in every outbound filter chain, disabled; routes to clusters with a sniffed protocol enable it. */
export function sniffedAlpnFilter() {
  return {
    name: FILTER_NAME,
    disabled: true,
    configType: {
      case: "typedConfig" as const,
      value: typedConfig(ConfigSchema, {
        onRequestHeaders: [
          {
            key: { case: "objectKey", value: "envoy.network.application_protocols" },
            value: {
              case: "formatString",
              value: {
                format: {
                  case: "textFormatSource",
                  value: { specifier: { case: "inlineString", value: SNIFFED_HTTP_ALPN } },
                },
              },
            },
            sharedWithUpstream: FilterStateValue_SharedWithUpstream.ONCE,
          },
        ],
      }),
    },
  };
}

/** The route's configuration that enables the filter. */
export function sniffedAlpnRouteConfig(): Record<string, PackedMessage> {
  return {
    [FILTER_NAME]: typedConfig(FilterConfigSchema, { config: { typeUrl: "", value: new Uint8Array() } }),
  };
}
