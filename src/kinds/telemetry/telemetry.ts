// Telemetry: which metrics, access logs and traces the proxies of a mesh, a namespace or a workload report.

import { atMostOne, selectorAdmission, targetAdmission } from "../admission.ts";
import type { ObjectOf } from "../define-kind.ts";
import { defineKind } from "../define-kind.ts";
import { policyTargetReference, policyTargetRules } from "../policy-target.ts";
import type { TypeOf } from "../schema.ts";
import { anything, choice, duration, flag, list, map, message, real, text } from "../schema.ts";
import { workloadSelector } from "../workload-selector.ts";
import { telemetryRules } from "./rules.ts";

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

export const telemetryKind = defineKind({
  kind: "Telemetry",
  group: "telemetry.istio.io",
  versions: { served: ["v1", "v1alpha1"], storage: "v1" },
  plural: "telemetries",
  scope: "Namespaced",
  description:
    "Which metrics, access logs and traces the proxies of the mesh, of a namespace or of chosen workloads report, and to whom.",
  fields: { spec: telemetrySpec, status: anything() },
  rules: [policyTargetRules, telemetryRules],
  admission: {
    spec: {
      rules: [
        atMostOne("only one of targetRefs or selector can be set", "selector", "targetRef", "targetRefs"),
      ],
    },
    ...selectorAdmission("spec.selector.matchLabels"),
    ...targetAdmission("targetRef", "targetRefs"),
    "spec.tracing[].randomSamplingPercentage": { minimum: 0, maximum: 100 },
    "spec.metrics": { maxItems: 64 },
    "spec.metrics[].overrides": { maxItems: 64 },
    "spec.metrics[].overrides[].match.customMetric": { minLength: 1 },
    "spec.metrics[].overrides[].tagOverrides": { maxProperties: 64 },
    "spec.metrics[].overrides[].tagOverrides.*": {
      rules: [
        {
          rule: "has(self.operation) && self.operation == 'UPSERT' ? has(self.value) && self.value != '' : true",
          message: "value must be set when operation is UPSERT",
        },
        {
          rule: "has(self.operation) && self.operation == 'REMOVE' ? !has(self.value) : true",
          message: "value must not be set when operation is REMOVE",
        },
      ],
    },
  },
});

export type Telemetry = ObjectOf<typeof telemetryKind>;
export type TelemetrySpec = TypeOf<typeof telemetrySpec>;
export type TelemetryTracing = TypeOf<typeof tracing>;
export type TelemetryMetrics = TypeOf<typeof metrics>;
export type TelemetryAccessLogging = TypeOf<typeof accessLogging>;
