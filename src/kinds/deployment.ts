// Deployment: replicas of a pod that are replaced step by step when the template changes.

import type { ObjectOf } from "./define-kind.ts";
import { defineKind } from "./define-kind.ts";
import { podTemplate } from "./pod/pod-spec.ts";
import { workloadRules } from "./pod/rules.ts";
import type { TypeOf } from "./schema.ts";
import { anything, choice, count32, flag, int32, intOrString, message } from "./schema.ts";
import { labelSelector } from "./workload-selector.ts";

export const deploymentSpec = message(
  {
    replicas: count32(),
    minReadySeconds: count32(),
    paused: flag(),
    progressDeadlineSeconds: count32(),
    revisionHistoryLimit: int32(),
    strategy: message({
      type: choice("RollingUpdate", "Recreate"),
      rollingUpdate: message({ maxSurge: intOrString(), maxUnavailable: intOrString() }),
    }),
  },
  { required: { selector: labelSelector, template: podTemplate } },
);

export const deploymentKind = defineKind({
  kind: "Deployment",
  group: "apps",
  versions: { served: ["v1"], storage: "v1" },
  plural: "deployments",
  shortNames: ["deploy"],
  scope: "Namespaced",
  fields: { status: anything() },
  requiredFields: { spec: deploymentSpec },
  columns: [{ title: "Ready", path: "status.readyReplicas", outOf: "spec.replicas" }],
  rules: [workloadRules],
});

export type Deployment = ObjectOf<typeof deploymentKind>;
export type DeploymentSpec = TypeOf<typeof deploymentSpec>;
