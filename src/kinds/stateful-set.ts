// StatefulSet: pods with names that last.

import type { ObjectOf } from "./define-kind.ts";
import { defineKind } from "./define-kind.ts";
import { podTemplate } from "./pod/pod-spec.ts";
import { workloadRules } from "./pod/rules.ts";
import type { TypeOf } from "./schema.ts";
import { anything, choice, count32, int32, intOrString, list, message, struct, text } from "./schema.ts";
import { labelSelector } from "./workload-selector.ts";

export const statefulSetSpec = message(
  {
    replicas: count32(),
    minReadySeconds: count32(),
    ordinals: message({ start: int32() }),
    persistentVolumeClaimRetentionPolicy: message({ whenDeleted: text(), whenScaled: text() }),
    podManagementPolicy: choice("OrderedReady", "Parallel"),
    revisionHistoryLimit: int32(),
    serviceName: text(),
    updateStrategy: message({
      type: choice("RollingUpdate", "OnDelete"),
      rollingUpdate: message({ maxUnavailable: intOrString(), partition: int32() }),
    }),
    volumeClaimTemplates: list(struct()),
  },
  { required: { selector: labelSelector, template: podTemplate } },
);

export const statefulSetKind = defineKind({
  kind: "StatefulSet",
  group: "apps",
  versions: { served: ["v1"], storage: "v1" },
  plural: "statefulsets",
  shortNames: ["sts"],
  scope: "Namespaced",
  fields: { status: anything() },
  requiredFields: { spec: statefulSetSpec },
  columns: [{ title: "Ready", path: "status.readyReplicas", outOf: "spec.replicas" }],
  rules: [workloadRules],
});

export type StatefulSet = ObjectOf<typeof statefulSetKind>;
export type StatefulSetSpec = TypeOf<typeof statefulSetSpec>;
