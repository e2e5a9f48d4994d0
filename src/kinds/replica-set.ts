// ReplicaSet: a number of equal pods.

import type { ObjectOf } from "./define-kind.ts";
import { defineKind } from "./define-kind.ts";
import { podTemplate } from "./pod/pod-spec.ts";
import { workloadRules } from "./pod/rules.ts";
import { anything, count32, message } from "./schema.ts";
import { labelSelector } from "./workload-selector.ts";

export const replicaSetKind = defineKind({
  kind: "ReplicaSet",
  group: "apps",
  versions: { served: ["v1"], storage: "v1" },
  plural: "replicasets",
  shortNames: ["rs"],
  scope: "Namespaced",
  fields: { status: anything() },
  requiredFields: {
    spec: message(
      { replicas: count32(), minReadySeconds: count32(), template: podTemplate },
      { required: { selector: labelSelector } },
    ),
  },
  columns: [{ title: "Ready", path: "status.readyReplicas", outOf: "spec.replicas" }],
  rules: [workloadRules],
});

export type ReplicaSet = ObjectOf<typeof replicaSetKind>;
