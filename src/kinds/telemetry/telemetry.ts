// Telemetry: which metrics, access logs and traces the proxies of a mesh, a namespace or a workload report.

import { atMostOne, selectorAdmission, targetAdmission } from "../admission.ts";
import type { ObjectOf } from "../define-kind.ts";
import { defineKind } from "../define-kind.ts";
import { policyTargetRules } from "../policy-target.ts";
import { anything } from "../schema.ts";
import { telemetryRules } from "./rules.ts";
import { telemetrySpec } from "./telemetry-spec.ts";

export const telemetryKind = defineKind({
  kind: "Telemetry",
  group: "telemetry.istio.io",
  versions: { served: ["v1", "v1alpha1"], storage: "v1" },
  plural: "telemetries",
  scope: "Namespaced",
  roles: ["modeled"],
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
