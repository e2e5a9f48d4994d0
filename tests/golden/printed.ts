// Messages as text: what is compared with the golden files of this folder. Extensions are printed in full.

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import {
  create,
  createRegistry,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { parse, stringify } from "yaml";
import { CorsPolicySchema, CorsSchema } from "../../src/gen/envoy/extensions/filters/http/cors/v3/cors_pb.ts";
import { HTTPFaultSchema } from "../../src/gen/envoy/extensions/filters/http/fault/v3/fault_pb.ts";
import { FilterConfigSchema as GrpcStatsSchema } from "../../src/gen/envoy/extensions/filters/http/grpc_stats/v3/config_pb.ts";
import { RouterSchema } from "../../src/gen/envoy/extensions/filters/http/router/v3/router_pb.ts";
import { ConfigSchema as SetFilterStateSchema } from "../../src/gen/envoy/extensions/filters/http/set_filter_state/v3/set_filter_state_pb.ts";
import { HttpInspectorSchema } from "../../src/gen/envoy/extensions/filters/listener/http_inspector/v3/http_inspector_pb.ts";
import { OriginalDstSchema } from "../../src/gen/envoy/extensions/filters/listener/original_dst/v3/original_dst_pb.ts";
import { TlsInspectorSchema } from "../../src/gen/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.ts";
import { HttpConnectionManagerSchema } from "../../src/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { TcpProxySchema } from "../../src/gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts";
import { PreviousHostsPredicateSchema } from "../../src/gen/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.ts";
import { RawBufferSchema } from "../../src/gen/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb.ts";
import {
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from "../../src/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts";
import { HttpProtocolOptionsSchema } from "../../src/gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts";
import { TcpProtocolOptionsSchema } from "../../src/gen/envoy/extensions/upstreams/tcp/v3/tcp_protocol_options_pb.ts";

const registry = createRegistry(
  CorsPolicySchema,
  CorsSchema,
  DownstreamTlsContextSchema,
  GrpcStatsSchema,
  HTTPFaultSchema,
  HttpConnectionManagerSchema,
  HttpInspectorSchema,
  HttpProtocolOptionsSchema,
  OriginalDstSchema,
  PreviousHostsPredicateSchema,
  RawBufferSchema,
  RouterSchema,
  SetFilterStateSchema,
  TcpProtocolOptionsSchema,
  TcpProxySchema,
  TlsInspectorSchema,
  UpstreamTlsContextSchema,
);

/** A builder's message as plain JSON, as Envoy gets it: what its bytes say. */
export function json<Schema extends DescMessage>(
  schema: Schema,
  message: MessageInitShape<Schema>,
): Readonly<Record<string, unknown>> {
  const asSent = fromBinary(schema, toBinary(schema, create(schema, message)));
  return abridged(toJson(schema, asSent, { registry })) as Readonly<Record<string, unknown>>;
}

/** Compares with `NAME.yaml`; with MELTEMI_UPDATE_GOLDENS set, writes it instead. */
export function assertGolden(name: string, value: unknown): void {
  const file = new URL(`${name}.yaml`, import.meta.url);
  const text = stringify(value, { lineWidth: 110, flowCollectionPadding: true });
  if (process.env.MELTEMI_UPDATE_GOLDENS !== undefined) writeFileSync(file, text);
  assert.ok(existsSync(file), `no ${name}.yaml: run once with MELTEMI_UPDATE_GOLDENS=1`);
  assert.deepEqual(value, parse(readFileSync(file, "utf8")));
  assert.ok(text.split("\n").length <= 61, `${name}.yaml is longer than 60 lines`);
}

/** So that a golden fits on a page: without type URLs, which names of extensions tell, and where secrets come from in a word. */
function abridged(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(abridged);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value)
    .filter(([key, field]) => key !== "@type" && !(key === "typedConfig" && isBare(field)))
    .map(([key, field]) => [key, key === "sdsConfig" ? secretSource(field) : abridged(field)]);
  return Object.fromEntries(fields);
}

function isBare(config: unknown): boolean {
  return typeof config === "object" && config !== null && Object.keys(config).every((key) => key === "@type");
}

function secretSource(config: unknown): string {
  return JSON.stringify(config).includes('"ads"') ? "control plane" : "agent";
}
