// Extension providers of tracing as Envoy's tracers. What a listener says of them is the same for all workloads: whose a span is
// says the environment of the proxy (src/core/trace-environment.ts).

import { HeaderValueOption_HeaderAppendAction } from "../../gen/envoy/config/core/v3/base_pb.ts";
import type { GrpcServiceSchema } from "../../gen/envoy/config/core/v3/grpc_service_pb.ts";
import type { HttpServiceSchema } from "../../gen/envoy/config/core/v3/http_service_pb.ts";
import { DatadogConfigSchema } from "../../gen/envoy/config/trace/v3/datadog_pb.ts";
import type { Tracing_HttpSchema } from "../../gen/envoy/config/trace/v3/http_tracer_pb.ts";
import { OpenTelemetryConfigSchema } from "../../gen/envoy/config/trace/v3/opentelemetry_pb.ts";
import { SkyWalkingConfigSchema } from "../../gen/envoy/config/trace/v3/skywalking_pb.ts";
import {
  ZipkinConfig_CollectorEndpointVersion,
  ZipkinConfig_TraceContextOption,
  ZipkinConfigSchema,
} from "../../gen/envoy/config/trace/v3/zipkin_pb.ts";
import { DynatraceResourceDetectorConfigSchema } from "../../gen/envoy/extensions/tracers/opentelemetry/resource_detectors/v3/dynatrace_resource_detector_pb.ts";
import { EnvironmentResourceDetectorConfigSchema } from "../../gen/envoy/extensions/tracers/opentelemetry/resource_detectors/v3/environment_resource_detector_pb.ts";
import { DynatraceSamplerConfigSchema } from "../../gen/envoy/extensions/tracers/opentelemetry/samplers/v3/dynatrace_sampler_pb.ts";
import { type ClaimedField, claims } from "../../kinds/claims.ts";
import type { HttpHeader, HttpService } from "../../kinds/mesh-config/extension-provider.ts";
import { meshConfigKind } from "../../kinds/mesh-config/mesh-config.ts";
import type { ProviderServer } from "../../model/provider-server.ts";
import type { Tracer } from "../../model/tracers.ts";
import { durationMessage } from "../duration-message.ts";
import { type Plain, typedConfig } from "../encode.ts";
import { buildGrpcService } from "../grpc-service.ts";
import { typedFilter } from "../typed-filter.ts";

type TracerInit = Plain<typeof Tracing_HttpSchema>;
type GrpcServiceInit = Plain<typeof GrpcServiceSchema>;
type HttpServiceInit = Plain<typeof HttpServiceSchema>;

export const tracerSettingFields: readonly ClaimedField[] = [
  ...claims(meshConfigKind, "spec.extensionProviders[].zipkin", [
    ...(["enable64bitTraceId", "path", "traceContextOption", "timeout"] as const),
    ...(["headers[].name", "headers[].value"] as const),
  ]),
  ...claims(meshConfigKind, "spec.extensionProviders[].skywalking", ["accessToken"]),
  ...claims(meshConfigKind, "spec.extensionProviders[].opentelemetry", [
    ...(["resourceDetectors.environment", "resourceDetectors.dynatrace"] as const),
    ...(["http.path", "http.timeout", "http.headers[].name", "http.headers[].value"] as const),
    ...(["grpc.timeout", "grpc.initialMetadata[].name", "grpc.initialMetadata[].value"] as const),
    ...(["dynatraceSampler.tenant", "dynatraceSampler.clusterId"] as const),
    "dynatraceSampler.rootSpansPerMinute",
    ...(["dynatraceSampler.httpService.http.path", "dynatraceSampler.httpService.http.timeout"] as const),
    "dynatraceSampler.httpService.http.headers[].name",
    "dynatraceSampler.httpService.http.headers[].value",
  ]),
];

export function buildTracer(tracer: Tracer): TracerInit {
  switch (tracer.kind) {
    case "zipkin":
      return zipkin(tracer);
    case "datadog":
      return datadog(tracer);
    case "skywalking":
      return skywalking(tracer);
    case "opentelemetry":
      return openTelemetry(tracer);
  }
}

type TracerOf<Kind extends Tracer["kind"]> = Extract<Tracer, { readonly kind: Kind }>;

function zipkin({ settings, server }: TracerOf<"zipkin">): TracerInit {
  const { enable64bitTraceId = false, path = "", traceContextOption = "USE_B3", ...service } = settings;
  return typedFilter("envoy.tracers.zipkin", ZipkinConfigSchema, {
    collectorEndpointVersion: ZipkinConfig_CollectorEndpointVersion.HTTP_JSON,
    traceId128bit: !enable64bitTraceId,
    sharedSpanContext: false,
    traceContextOption: ZipkinConfig_TraceContextOption[traceContextOption],
    collectorService: httpService(server, { ...service, path: path === "" ? "/api/v2/spans" : path }),
  });
}

function datadog({ server }: TracerOf<"datadog">): TracerInit {
  return typedFilter("envoy.tracers.datadog", DatadogConfigSchema, {
    collectorCluster: server.cluster,
    collectorHostname: server.hostname,
    // Envoy wants one; that of the proxy's environment counts.
    serviceName: "unknown",
  });
}

function skywalking({ settings: { accessToken = "" }, server }: TracerOf<"skywalking">): TracerInit {
  return typedFilter("envoy.tracers.skywalking", SkyWalkingConfigSchema, {
    grpcService: grpcService(server, {}),
    ...(accessToken !== "" && {
      clientConfig: { backendTokenSpecifier: { case: "backendToken", value: accessToken } },
    }),
  });
}

function openTelemetry(tracer: TracerOf<"opentelemetry">): TracerInit {
  const { settings, server } = tracer;
  const { http, grpc = {}, resourceDetectors: detectors = {} } = settings;
  const sampler = dynatraceSampler(tracer);
  return typedFilter("envoy.tracers.opentelemetry", OpenTelemetryConfigSchema, {
    ...(http === undefined
      ? { grpcService: grpcService(server, grpc) }
      : { httpService: httpService(server, http) }),
    resourceDetectors: [
      environmentDetector,
      ...(detectors.dynatrace === undefined ? [] : [dynatraceDetector]),
    ],
    ...(sampler !== undefined && { sampler }),
  });
}

// Of these a user's `environment` is one: ours is there in any case, for the service's name.
const environmentDetector = {
  name: "envoy.tracers.opentelemetry.resource_detectors.environment",
  typedConfig: typedConfig(EnvironmentResourceDetectorConfigSchema, {}),
};
const dynatraceDetector = {
  name: "envoy.tracers.opentelemetry.resource_detectors.dynatrace",
  typedConfig: typedConfig(DynatraceResourceDetectorConfigSchema, {}),
};

/** Without a service of its own it asks the one that spans go to, with the same headers. */
function dynatraceSampler({ settings, server, samplerServer }: TracerOf<"opentelemetry">) {
  const { dynatraceSampler: sampler, http = {} } = settings;
  if (sampler === undefined) return undefined;
  const { tenant = "", clusterId = 0, rootSpansPerMinute = 0 } = sampler;
  const asked: HttpService =
    sampler.httpService === undefined
      ? { ...http, path: "/api/v2/samplingConfiguration" }
      : (sampler.httpService.http ?? {});
  return {
    name: "envoy.tracers.opentelemetry.samplers.dynatrace",
    typedConfig: typedConfig(DynatraceSamplerConfigSchema, {
      ...{ tenant, clusterId, rootSpansPerMinute },
      httpService: httpService(samplerServer ?? server, asked),
    }),
  };
}

// Envoy wants one; Istio's is this for Zipkin.
const DEFAULT_TIMEOUT = "5s";

function httpService(
  { hostname, cluster }: ProviderServer,
  { path = "", timeout = DEFAULT_TIMEOUT, headers = [] }: HttpService,
): HttpServiceInit {
  return {
    httpUri: {
      uri: `http://${hostname}/${path.replace(/^\//, "")}`,
      httpUpstreamType: { case: "cluster", value: cluster },
      timeout: durationMessage(timeout),
    },
    requestHeadersToAdd: written(headers).map((header) => ({
      header,
      appendAction: HeaderValueOption_HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
    })),
  };
}

interface GrpcSettings {
  readonly timeout?: string;
  readonly initialMetadata?: readonly HttpHeader[];
}

function grpcService(
  server: ProviderServer,
  { initialMetadata = [], ...settings }: GrpcSettings,
): GrpcServiceInit {
  return { ...buildGrpcService(server, settings), initialMetadata: written(initialMetadata) };
}

function written(headers: readonly HttpHeader[]) {
  return headers.map(({ name = "", value = "" }) => ({ key: name, value }));
}
