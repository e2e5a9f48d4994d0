// The schema of the spec of kind Telemetry, and the types that follow from it.

import { policyTargetReference } from "../policy-target.ts";
import type { TypeOf } from "../schema.ts";
import { choice, duration, flag, list, map, message, real, text } from "../schema.ts";
import { workloadSelector } from "../workload-selector.ts";

/** `WorkloadMode` */
export const workloadMode = choice("CLIENT_AND_SERVER", "CLIENT", "SERVER");

/** `ProviderRef` */
export const providerReference = message({}, { required: { name: text() } });

/** `Tracing.CustomTag` */
export const customTag = message(
  {
    literal: message({}, { required: { value: text() } }),
    environment: message({ defaultValue: text() }, { required: { name: text() } }),
    header: message({ defaultValue: text() }, { required: { name: text() } }),
    formatter: message({}, { required: { value: text() } }),
  },
  { oneofs: [["literal", "environment", "header", "formatter"]] },
);

/** `Tracing` */
export const tracing = message({
  match: message({ mode: workloadMode }),
  providers: list(providerReference),
  randomSamplingPercentage: real(),
  disableSpanReporting: flag(),
  customTags: map(customTag),
  useRequestIdForTraceSampling: flag(),
  enableIstioTags: flag(),
  disableContextPropagation: flag(),
});

/** `MetricSelector.IstioMetric` */
export const standardMetric = choice(
  "ALL_METRICS",
  "REQUEST_COUNT",
  "REQUEST_DURATION",
  "REQUEST_SIZE",
  "RESPONSE_SIZE",
  "TCP_OPENED_CONNECTIONS",
  "TCP_CLOSED_CONNECTIONS",
  "TCP_SENT_BYTES",
  "TCP_RECEIVED_BYTES",
  "GRPC_REQUEST_MESSAGES",
  "GRPC_RESPONSE_MESSAGES",
);

/** `MetricSelector` */
export const metricSelector = message(
  { metric: standardMetric, customMetric: text(), mode: workloadMode },
  { oneofs: [["metric", "customMetric"]] },
);

/** `MetricsOverrides` */
export const metricsOverride = message({
  match: metricSelector,
  disabled: flag(),
  tagOverrides: map(message({ operation: choice("UPSERT", "REMOVE"), value: text() })),
});

/** `Metrics` */
export const metrics = message({
  providers: list(providerReference),
  overrides: list(metricsOverride),
  reportingInterval: duration(),
});

/** `AccessLogging` */
export const accessLogging = message({
  match: message({ mode: workloadMode }),
  providers: list(providerReference),
  disabled: flag(),
  filter: message({ expression: text() }),
});

export const telemetrySpec = message({
  selector: workloadSelector,
  targetRef: policyTargetReference,
  targetRefs: list(policyTargetReference),
  tracing: list(tracing),
  metrics: list(metrics),
  accessLogging: list(accessLogging),
});

export type TelemetrySpec = TypeOf<typeof telemetrySpec>;
export type TelemetryTracing = TypeOf<typeof tracing>;
export type TelemetryMetrics = TypeOf<typeof metrics>;
export type TelemetryAccessLogging = TypeOf<typeof accessLogging>;
