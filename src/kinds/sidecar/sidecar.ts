// Sidecar: which hosts the proxies of a namespace or of chosen workloads know, and what they open for inbound traffic.

import { selectorAdmission } from "../admission.ts";
import type { ObjectOf } from "../define-kind.ts";
import { defineKind } from "../define-kind.ts";
import { anything } from "../schema.ts";
import { sidecarRules } from "./rules.ts";
import { sidecarSpec } from "./sidecar-spec.ts";

export const sidecarKind = defineKind({
  kind: "Sidecar",
  group: "networking.istio.io",
  versions: { served: ["v1", "v1beta1", "v1alpha3"], storage: "v1" },
  plural: "sidecars",
  scope: "Namespaced",
  description:
    "Which hosts the proxies of a namespace, or of chosen workloads, know and can reach, and what they open for traffic to their own workload.",
  fields: { spec: sidecarSpec, status: anything() },
  rules: [sidecarRules],
  admission: selectorAdmission("spec.workloadSelector.labels"),
});

export type Sidecar = ObjectOf<typeof sidecarKind>;
