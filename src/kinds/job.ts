// Job: pods that run to completion.

import type { ObjectOf } from "./define-kind.ts";
import { defineKind } from "./define-kind.ts";
import { podTemplate } from "./pod/pod-spec.ts";
import { workloadRules } from "./pod/rules.ts";
import type { TypeOf } from "./schema.ts";
import { anything, choice, count32, flag, int32, list, message, text, uint64 } from "./schema.ts";
import type { Findings } from "./value-rules.ts";
import { labelSelector } from "./workload-selector.ts";

const exitCodes = message(
  { containerName: text() },
  { required: { operator: choice("In", "NotIn"), values: list(int32()) } },
);
const podCondition = message({ status: text() }, { required: { type: text() } });
const failureRule = message(
  { onExitCodes: exitCodes, onPodConditions: list(podCondition) },
  { required: { action: text() } },
);

export const jobSpec = message(
  {
    activeDeadlineSeconds: uint64(),
    backoffLimit: count32(),
    backoffLimitPerIndex: int32(),
    completionMode: choice("NonIndexed", "Indexed"),
    completions: count32(),
    managedBy: text(),
    manualSelector: flag(),
    maxFailedIndexes: int32(),
    parallelism: count32(),
    podFailurePolicy: message({}, { required: { rules: list(failureRule) } }),
    podReplacementPolicy: text(),
    selector: labelSelector,
    successPolicy: anything(),
    suspend: flag(),
    ttlSecondsAfterFinished: count32(),
  },
  { required: { template: podTemplate } },
);

export const jobKind = defineKind({
  kind: "Job",
  group: "batch",
  versions: { served: ["v1"], storage: "v1" },
  plural: "jobs",
  scope: "Namespaced",
  fields: { status: anything() },
  requiredFields: { spec: jobSpec },
  columns: [{ title: "Completions", path: "status.succeeded", outOf: "spec.completions" }],
  rules: [templateRules],
});

// A Job's selector is made by Kubernetes, unless manualSelector says otherwise.
function* templateRules({ spec }: { readonly spec: JobSpec }): Findings {
  yield* workloadRules({ spec: { template: spec.template } });
  const { restartPolicy } = spec.template.spec;
  if (restartPolicy !== "Never" && restartPolicy !== "OnFailure") {
    const path = "spec.template.spec.restartPolicy";
    yield { path, message: `found "${restartPolicy ?? "Always"}", wanted "Never" or "OnFailure" in a Job` };
  }
}

export type Job = ObjectOf<typeof jobKind>;
export type JobSpec = TypeOf<typeof jobSpec>;
