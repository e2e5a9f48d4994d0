// Extension configs as Any, and the registry that prints them as JSON: both from one list, so none can be missing.

import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import { create, createRegistry } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { RouterSchema } from "../../gen/envoy/extensions/filters/http/router/v3/router_pb.ts";
import { HttpConnectionManagerSchema } from "../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { DownstreamConnectionsConfigSchema } from "../../gen/envoy/extensions/resource_monitors/downstream_connections/v3/downstream_connections_pb.ts";
import { UpstreamTlsContextSchema } from "../../gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts";
import { HttpProtocolOptionsSchema } from "../../gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts";

export const bootstrapExtensions = {
  router: RouterSchema,
  httpConnectionManager: HttpConnectionManagerSchema,
  downstreamConnections: DownstreamConnectionsConfigSchema,
  upstreamTls: UpstreamTlsContextSchema,
  httpProtocolOptions: HttpProtocolOptionsSchema,
} as const;

export const bootstrapRegistry = createRegistry(...Object.values(bootstrapExtensions));

export function packExtension<Schema extends DescMessage>(
  schema: Schema,
  value: MessageInitShape<Schema>,
): Any {
  return anyPack(schema, create(schema, value));
}
