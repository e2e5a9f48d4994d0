// DaemonSet: one pod on each node; in local mode that is one.

import type { ObjectOf } from "./define-kind.ts";
import { defineKind } from "./define-kind.ts";
import { podTemplate } from "./pod/pod-spec.ts";
import { workloadRules } from "./pod/rules.ts";
import type { TypeOf } from "./schema.ts";
import { anything, choice, int32, intOrString, message } from "./schema.ts";
import { labelSelector } from "./workload-selector.ts";

export const daemonSetSpec = message(
  {
    minReadySeconds: int32(),
    revisionHistoryLimit: int32(),
    updateStrategy: message({
      type: choice("RollingUpdate", "OnDelete"),
      rollingUpdate: message({ maxSurge: intOrString(), maxUnavailable: intOrString() }),
    }),
  },
  { required: { selector: labelSelector, template: podTemplate } },
);

export const daemonSetKind = defineKind({
  kind: "DaemonSet",
  group: "apps",
  versions: { served: ["v1"], storage: "v1" },
  plural: "daemonsets",
  shortNames: ["ds"],
  scope: "Namespaced",
  fields: { status: anything() },
  columns: [{ title: "Ready", path: "status.numberReady", outOf: "status.desiredNumberScheduled" }],
  requiredFields: { spec: daemonSetSpec },
  rules: [workloadRules],
});

export type DaemonSet = ObjectOf<typeof daemonSetKind>;
export type DaemonSetSpec = TypeOf<typeof daemonSetSpec>;
