// Envoy's messages as JSON in the spelling of its own dumps, with what is packed into them unpacked. It is loaded when
// somebody asks: it knows every extension that builders write.

import { create, createRegistry, fromBinary, type JsonValue, toJson } from "@bufbuild/protobuf";
import { ConfigDumpSchema, file_envoy_admin_v3_config_dump } from "../gen/envoy/admin/v3/config_dump_pb.ts";
import { file_envoy_admin_v3_config_dump_shared } from "../gen/envoy/admin/v3/config_dump_shared_pb.ts";
import { ClusterSchema } from "../gen/envoy/config/cluster/v3/cluster_pb.ts";
import { TypedExtensionConfigSchema } from "../gen/envoy/config/core/v3/extension_pb.ts";
import { ClusterLoadAssignmentSchema } from "../gen/envoy/config/endpoint/v3/endpoint_pb.ts";
import { ListenerSchema } from "../gen/envoy/config/listener/v3/listener_pb.ts";
import { FilterConfigSchema } from "../gen/envoy/config/route/v3/route_components_pb.ts";
import { RouteConfigurationSchema } from "../gen/envoy/config/route/v3/route_pb.ts";
import { DatadogConfigSchema } from "../gen/envoy/config/trace/v3/datadog_pb.ts";
import { OpenTelemetryConfigSchema } from "../gen/envoy/config/trace/v3/opentelemetry_pb.ts";
import { SkyWalkingConfigSchema } from "../gen/envoy/config/trace/v3/skywalking_pb.ts";
import { ZipkinConfigSchema } from "../gen/envoy/config/trace/v3/zipkin_pb.ts";
import { FileAccessLogSchema } from "../gen/envoy/extensions/access_loggers/file/v3/file_pb.ts";
import { ExpressionFilterSchema } from "../gen/envoy/extensions/access_loggers/filters/cel/v3/cel_pb.ts";
import {
  HttpGrpcAccessLogConfigSchema,
  TcpGrpcAccessLogConfigSchema,
} from "../gen/envoy/extensions/access_loggers/grpc/v3/als_pb.ts";
import { OpenTelemetryAccessLogConfigSchema } from "../gen/envoy/extensions/access_loggers/open_telemetry/v3/logs_service_pb.ts";
import { StdoutAccessLogSchema } from "../gen/envoy/extensions/access_loggers/stream/v3/stream_pb.ts";
import { CorsPolicySchema, CorsSchema } from "../gen/envoy/extensions/filters/http/cors/v3/cors_pb.ts";
import { ExtAuthzSchema as HttpExtAuthzSchema } from "../gen/envoy/extensions/filters/http/ext_authz/v3/ext_authz_pb.ts";
import { HTTPFaultSchema } from "../gen/envoy/extensions/filters/http/fault/v3/fault_pb.ts";
import { FilterChainConfigSchema as HttpFilterChainSchema } from "../gen/envoy/extensions/filters/http/filter_chain/v3/filter_chain_pb.ts";
import { FilterConfigSchema as GrpcStatsSchema } from "../gen/envoy/extensions/filters/http/grpc_stats/v3/config_pb.ts";
import { GrpcWebSchema } from "../gen/envoy/extensions/filters/http/grpc_web/v3/grpc_web_pb.ts";
import { JwtAuthenticationSchema } from "../gen/envoy/extensions/filters/http/jwt_authn/v3/config_pb.ts";
import { RBACSchema as HttpRbacSchema } from "../gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.ts";
import { RouterSchema } from "../gen/envoy/extensions/filters/http/router/v3/router_pb.ts";
import { ConfigSchema as SetFilterStateSchema } from "../gen/envoy/extensions/filters/http/set_filter_state/v3/set_filter_state_pb.ts";
import { HttpInspectorSchema } from "../gen/envoy/extensions/filters/listener/http_inspector/v3/http_inspector_pb.ts";
import { OriginalDstSchema } from "../gen/envoy/extensions/filters/listener/original_dst/v3/original_dst_pb.ts";
import { TlsInspectorSchema } from "../gen/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.ts";
import { ExtAuthzSchema as NetworkExtAuthzSchema } from "../gen/envoy/extensions/filters/network/ext_authz/v3/ext_authz_pb.ts";
import { HttpConnectionManagerSchema } from "../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { RBACSchema as NetworkRbacSchema } from "../gen/envoy/extensions/filters/network/rbac/v3/rbac_pb.ts";
import { ConfigSchema as NetworkSetFilterStateSchema } from "../gen/envoy/extensions/filters/network/set_filter_state/v3/set_filter_state_pb.ts";
import { TcpProxySchema } from "../gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts";
import { CelSchema } from "../gen/envoy/extensions/formatter/cel/v3/cel_pb.ts";
import { UriTemplateMatchConfigSchema } from "../gen/envoy/extensions/path/match/uri_template/v3/uri_template_match_pb.ts";
import { UuidRequestIdConfigSchema } from "../gen/envoy/extensions/request_id/uuid/v3/uuid_pb.ts";
import { PreviousHostsPredicateSchema } from "../gen/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.ts";
import { PreviousPrioritiesConfigSchema } from "../gen/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config_pb.ts";
import { DynatraceResourceDetectorConfigSchema } from "../gen/envoy/extensions/tracers/opentelemetry/resource_detectors/v3/dynatrace_resource_detector_pb.ts";
import { EnvironmentResourceDetectorConfigSchema } from "../gen/envoy/extensions/tracers/opentelemetry/resource_detectors/v3/environment_resource_detector_pb.ts";
import { DynatraceSamplerConfigSchema } from "../gen/envoy/extensions/tracers/opentelemetry/samplers/v3/dynatrace_sampler_pb.ts";
import { ProxyProtocolUpstreamTransportSchema } from "../gen/envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol_pb.ts";
import { RawBufferSchema } from "../gen/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb.ts";
import { SecretSchema } from "../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts";
import {
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from "../gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts";
import { HttpProtocolOptionsSchema } from "../gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts";
import { TcpProtocolOptionsSchema } from "../gen/envoy/extensions/upstreams/tcp/v3/tcp_protocol_options_pb.ts";
import type { Resource } from "../xds/resource.ts";
import { buildConfigDump, type ResourcesByType } from "./config-dump.ts";

/** A test holds it against what builders write. */
export const dumpedMessages = createRegistry(
  file_envoy_admin_v3_config_dump,
  file_envoy_admin_v3_config_dump_shared,
  ...[TypedExtensionConfigSchema, HttpFilterChainSchema, NetworkSetFilterStateSchema],
  ...[HttpRbacSchema, NetworkRbacSchema, HttpExtAuthzSchema, NetworkExtAuthzSchema],
  ...[JwtAuthenticationSchema, UriTemplateMatchConfigSchema],
  ...[ClusterSchema, ClusterLoadAssignmentSchema, ListenerSchema, RouteConfigurationSchema, SecretSchema],
  ...[HttpConnectionManagerSchema, TcpProxySchema],
  ...[HttpInspectorSchema, OriginalDstSchema, TlsInspectorSchema],
  ...[CorsPolicySchema, CorsSchema, HTTPFaultSchema, GrpcStatsSchema, GrpcWebSchema, RouterSchema],
  ...[SetFilterStateSchema, FilterConfigSchema],
  ...[FileAccessLogSchema, StdoutAccessLogSchema, ExpressionFilterSchema],
  ...[HttpGrpcAccessLogConfigSchema, TcpGrpcAccessLogConfigSchema, OpenTelemetryAccessLogConfigSchema],
  ...[CelSchema],
  ...[OpenTelemetryConfigSchema, ZipkinConfigSchema, DatadogConfigSchema, SkyWalkingConfigSchema],
  ...[
    EnvironmentResourceDetectorConfigSchema,
    DynatraceSamplerConfigSchema,
    DynatraceResourceDetectorConfigSchema,
    UuidRequestIdConfigSchema,
  ],
  ...[PreviousHostsPredicateSchema, PreviousPrioritiesConfigSchema],
  ...[DownstreamTlsContextSchema, UpstreamTlsContextSchema],
  ...[RawBufferSchema, ProxyProtocolUpstreamTransportSchema],
  ...[HttpProtocolOptionsSchema, TcpProtocolOptionsSchema],
);

const asEnvoyWrites = { registry: dumpedMessages, useProtoFieldName: true };

/** Envoy's ConfigDump: `{"configs": [{"@type": …}]}`. */
export function configDumpJson(
  resourcesOf: ResourcesByType,
  options: { readonly hasEndpoints: boolean },
): JsonValue {
  const configs = [...buildConfigDump(resourcesOf, options)];
  return toJson(ConfigDumpSchema, create(ConfigDumpSchema, { configs }), asEnvoyWrites);
}

export function loadAssignmentsJson(resources: readonly Resource[]): JsonValue {
  return resources.map(({ body }) =>
    toJson(
      ClusterLoadAssignmentSchema,
      fromBinary(ClusterLoadAssignmentSchema, Buffer.concat(body)),
      asEnvoyWrites,
    ),
  );
}
