// Servers outside the mesh that Telemetry and AuthorizationPolicy name: tracing, access logs, authorization.

import type { TypeOf } from "../schema.ts";
import { choice, duration, flag, int32, int64, list, map, message, struct, text, uint32 } from "../schema.ts";

/** `MeshConfig.ExtensionProvider.EnvoyExternalAuthorizationRequestBody` */
export const envoyExternalAuthorizationRequestBody = message({
  maxRequestBytes: uint32(),
  allowPartialMessage: flag(),
  packAsBytes: flag(),
});

/** `MeshConfig.ExtensionProvider.EnvoyExternalAuthorizationHttpProvider` */
export const envoyExternalAuthorizationHttpProvider = message({
  service: text(),
  port: uint32(),
  timeout: duration(),
  pathPrefix: text(),
  failOpen: flag(),
  clearRouteCache: flag(),
  statusOnError: text(),
  includeHeadersInCheck: list(text()), // deprecated
  includeRequestHeadersInCheck: list(text()),
  includeAdditionalHeadersInCheck: map(text()),
  includeRequestBodyInCheck: envoyExternalAuthorizationRequestBody,
  headersToUpstreamOnAllow: list(text()),
  headersToDownstreamOnDeny: list(text()),
  headersToDownstreamOnAllow: list(text()),
});

/** `MeshConfig.ExtensionProvider.EnvoyExternalAuthorizationGrpcProvider` */
export const envoyExternalAuthorizationGrpcProvider = message({
  service: text(),
  port: uint32(),
  timeout: duration(),
  failOpen: flag(),
  clearRouteCache: flag(),
  statusOnError: text(),
  includeRequestBodyInCheck: envoyExternalAuthorizationRequestBody,
});

/** `MeshConfig.ExtensionProvider.ZipkinTracingProvider.TraceContextOption` */
export const zipkinTracingProviderTraceContextOption = choice("USE_B3", "USE_B3_WITH_W3C_PROPAGATION");

/** `MeshConfig.ExtensionProvider.HttpHeader` */
export const httpHeader = message(
  {
    name: text(),
    value: text(),
    envName: text(),
  },
  { oneofs: [["value", "envName"]] },
);

/** `MeshConfig.ExtensionProvider.ZipkinTracingProvider` */
export const zipkinTracingProvider = message({
  service: text(),
  port: uint32(),
  maxTagLength: uint32(),
  enable64bitTraceId: flag(),
  path: text(),
  traceContextOption: zipkinTracingProviderTraceContextOption,
  timeout: duration(),
  headers: list(httpHeader),
});

/** `MeshConfig.ExtensionProvider.LightstepTracingProvider` */
export const lightstepTracingProvider = message({
  service: text(),
  port: uint32(),
  accessToken: text(),
  maxTagLength: uint32(),
});

/** `MeshConfig.ExtensionProvider.DatadogTracingProvider` */
export const datadogTracingProvider = message({
  service: text(),
  port: uint32(),
  maxTagLength: uint32(),
});

/** `MeshConfig.ExtensionProvider.StackdriverProvider.Logging` */
export const stackdriverProviderLogging = message({
  labels: map(text()),
});

/** `MeshConfig.ExtensionProvider.StackdriverProvider` */
export const stackdriverProvider = message({
  debug: flag(), // deprecated
  maxNumberOfAttributes: int64(), // deprecated
  maxNumberOfAnnotations: int64(), // deprecated
  maxNumberOfMessageEvents: int64(), // deprecated
  maxTagLength: uint32(),
  logging: stackdriverProviderLogging,
});

/** `MeshConfig.ExtensionProvider.OpenCensusAgentTracingProvider.TraceContext` */
export const openCensusAgentTracingProviderTraceContext = choice(
  "UNSPECIFIED",
  "W3C_TRACE_CONTEXT",
  "GRPC_BIN",
  "CLOUD_TRACE_CONTEXT",
  "B3",
);

/** `MeshConfig.ExtensionProvider.OpenCensusAgentTracingProvider` */
export const openCensusAgentTracingProvider = message({
  service: text(),
  port: uint32(),
  context: list(openCensusAgentTracingProviderTraceContext),
  maxTagLength: uint32(),
});

/** `MeshConfig.ExtensionProvider.SkyWalkingTracingProvider` */
export const skyWalkingTracingProvider = message({
  service: text(),
  port: uint32(),
  accessToken: text(),
});

/** `MeshConfig.ExtensionProvider.HttpService` */
export const httpService = message({
  path: text(),
  timeout: duration(),
  headers: list(httpHeader),
});

/** `MeshConfig.ExtensionProvider.GrpcService` */
export const grpcService = message({
  timeout: duration(),
  initialMetadata: list(httpHeader),
});

/** `MeshConfig.ExtensionProvider.ResourceDetectors.EnvironmentResourceDetector` */
export const resourceDetectorsEnvironmentResourceDetector = message({});

/** `MeshConfig.ExtensionProvider.ResourceDetectors.DynatraceResourceDetector` */
export const resourceDetectorsDynatraceResourceDetector = message({});

/** `MeshConfig.ExtensionProvider.ResourceDetectors` */
export const resourceDetectors = message({
  environment: resourceDetectorsEnvironmentResourceDetector,
  dynatrace: resourceDetectorsDynatraceResourceDetector,
});

/** `MeshConfig.ExtensionProvider.ServiceAttributeEnrichment` */
export const serviceAttributeEnrichment = choice("ISTIO_CANONICAL", "OTEL_SEMANTIC_CONVENTIONS");

/** `MeshConfig.ExtensionProvider.OpenTelemetryTracingProvider.DynatraceSampler.DynatraceApi` */
export const openTelemetryTracingProviderDynatraceSamplerDynatraceApi = message({
  service: text(),
  port: uint32(),
  http: httpService,
});

/** `MeshConfig.ExtensionProvider.OpenTelemetryTracingProvider.DynatraceSampler` */
export const openTelemetryTracingProviderDynatraceSampler = message({
  tenant: text(),
  clusterId: int32(),
  rootSpansPerMinute: uint32(),
  httpService: openTelemetryTracingProviderDynatraceSamplerDynatraceApi,
});

/** `MeshConfig.ExtensionProvider.OpenTelemetryTracingProvider` */
export const openTelemetryTracingProvider = message({
  service: text(),
  port: uint32(),
  maxTagLength: uint32(),
  http: httpService,
  grpc: grpcService,
  resourceDetectors: resourceDetectors,
  serviceAttributeEnrichment: serviceAttributeEnrichment,
  dynatraceSampler: openTelemetryTracingProviderDynatraceSampler,
});

/** `MeshConfig.ExtensionProvider.PrometheusMetricsProvider` */
export const prometheusMetricsProvider = message({});

/** `MeshConfig.ExtensionProvider.EnvoyFileAccessLogProvider.LogFormat` */
export const envoyFileAccessLogProviderLogFormat = message(
  {
    text: text(),
    labels: struct(),
  },
  { oneofs: [["text", "labels"]] },
);

/** `MeshConfig.ExtensionProvider.EnvoyFileAccessLogProvider` */
export const envoyFileAccessLogProvider = message({
  path: text(),
  logFormat: envoyFileAccessLogProviderLogFormat,
  omitEmptyValues: flag(),
});

/** `MeshConfig.ExtensionProvider.EnvoyHttpGrpcV3LogProvider` */
export const envoyHttpGrpcV3LogProvider = message({
  service: text(),
  port: uint32(),
  logName: text(),
  filterStateObjectsToLog: list(text()),
  additionalRequestHeadersToLog: list(text()),
  additionalResponseHeadersToLog: list(text()),
  additionalResponseTrailersToLog: list(text()),
});

/** `MeshConfig.ExtensionProvider.EnvoyTcpGrpcV3LogProvider` */
export const envoyTcpGrpcV3LogProvider = message({
  service: text(),
  port: uint32(),
  logName: text(),
  filterStateObjectsToLog: list(text()),
});

/** `MeshConfig.ExtensionProvider.EnvoyOpenTelemetryLogProvider.LogFormat` */
export const envoyOpenTelemetryLogProviderLogFormat = message({
  text: text(),
  labels: struct(),
});

/** `MeshConfig.ExtensionProvider.EnvoyOpenTelemetryLogProvider` */
export const envoyOpenTelemetryLogProvider = message({
  service: text(),
  port: uint32(),
  logName: text(),
  logFormat: envoyOpenTelemetryLogProviderLogFormat,
});

/** `MeshConfig.ExtensionProvider.SDSProvider` */
export const sdsProvider = message({
  name: text(),
  service: text(),
  port: uint32(),
});

/** `MeshConfig.ExtensionProvider` */
export const extensionProvider = message(
  {
    name: text(),
    envoyExtAuthzHttp: envoyExternalAuthorizationHttpProvider,
    envoyExtAuthzGrpc: envoyExternalAuthorizationGrpcProvider,
    zipkin: zipkinTracingProvider,
    lightstep: lightstepTracingProvider, // deprecated
    datadog: datadogTracingProvider,
    stackdriver: stackdriverProvider,
    opencensus: openCensusAgentTracingProvider, // deprecated
    skywalking: skyWalkingTracingProvider,
    opentelemetry: openTelemetryTracingProvider,
    prometheus: prometheusMetricsProvider,
    envoyFileAccessLog: envoyFileAccessLogProvider,
    envoyHttpAls: envoyHttpGrpcV3LogProvider,
    envoyTcpAls: envoyTcpGrpcV3LogProvider,
    envoyOtelAls: envoyOpenTelemetryLogProvider,
    sds: sdsProvider,
  },
  {
    oneofs: [
      [
        "envoyExtAuthzHttp",
        "envoyExtAuthzGrpc",
        "zipkin",
        "lightstep",
        "datadog",
        "stackdriver",
        "opencensus",
        "skywalking",
        "opentelemetry",
        "prometheus",
        "envoyFileAccessLog",
        "envoyHttpAls",
        "envoyTcpAls",
        "envoyOtelAls",
        "sds",
      ],
    ],
  },
);

export type EnvoyExternalAuthorizationRequestBody = TypeOf<typeof envoyExternalAuthorizationRequestBody>;
export type EnvoyExternalAuthorizationHttpProvider = TypeOf<typeof envoyExternalAuthorizationHttpProvider>;
export type EnvoyExternalAuthorizationGrpcProvider = TypeOf<typeof envoyExternalAuthorizationGrpcProvider>;
export type ZipkinTracingProviderTraceContextOption = TypeOf<typeof zipkinTracingProviderTraceContextOption>;
export type HttpHeader = TypeOf<typeof httpHeader>;
export type ZipkinTracingProvider = TypeOf<typeof zipkinTracingProvider>;
export type LightstepTracingProvider = TypeOf<typeof lightstepTracingProvider>;
export type DatadogTracingProvider = TypeOf<typeof datadogTracingProvider>;
export type StackdriverProviderLogging = TypeOf<typeof stackdriverProviderLogging>;
export type StackdriverProvider = TypeOf<typeof stackdriverProvider>;
export type OpenCensusAgentTracingProviderTraceContext = TypeOf<
  typeof openCensusAgentTracingProviderTraceContext
>;
export type OpenCensusAgentTracingProvider = TypeOf<typeof openCensusAgentTracingProvider>;
export type SkyWalkingTracingProvider = TypeOf<typeof skyWalkingTracingProvider>;
export type HttpService = TypeOf<typeof httpService>;
export type GrpcService = TypeOf<typeof grpcService>;
export type ResourceDetectorsEnvironmentResourceDetector = TypeOf<
  typeof resourceDetectorsEnvironmentResourceDetector
>;
export type ResourceDetectorsDynatraceResourceDetector = TypeOf<
  typeof resourceDetectorsDynatraceResourceDetector
>;
export type ResourceDetectors = TypeOf<typeof resourceDetectors>;
export type ServiceAttributeEnrichment = TypeOf<typeof serviceAttributeEnrichment>;
export type OpenTelemetryTracingProviderDynatraceSamplerDynatraceApi = TypeOf<
  typeof openTelemetryTracingProviderDynatraceSamplerDynatraceApi
>;
export type OpenTelemetryTracingProviderDynatraceSampler = TypeOf<
  typeof openTelemetryTracingProviderDynatraceSampler
>;
export type OpenTelemetryTracingProvider = TypeOf<typeof openTelemetryTracingProvider>;
export type PrometheusMetricsProvider = TypeOf<typeof prometheusMetricsProvider>;
export type EnvoyFileAccessLogProviderLogFormat = TypeOf<typeof envoyFileAccessLogProviderLogFormat>;
export type EnvoyFileAccessLogProvider = TypeOf<typeof envoyFileAccessLogProvider>;
export type EnvoyHttpGrpcV3LogProvider = TypeOf<typeof envoyHttpGrpcV3LogProvider>;
export type EnvoyTcpGrpcV3LogProvider = TypeOf<typeof envoyTcpGrpcV3LogProvider>;
export type EnvoyOpenTelemetryLogProviderLogFormat = TypeOf<typeof envoyOpenTelemetryLogProviderLogFormat>;
export type EnvoyOpenTelemetryLogProvider = TypeOf<typeof envoyOpenTelemetryLogProvider>;
export type SdsProvider = TypeOf<typeof sdsProvider>;
export type ExtensionProvider = TypeOf<typeof extensionProvider>;
