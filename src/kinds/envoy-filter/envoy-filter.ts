// EnvoyFilter: patches to the generated Envoy configuration, for what no other kind can say.

import { atMostOne, selectorAdmission, targetAdmission } from "../admission.ts";
import type { ObjectOf } from "../define-kind.ts";
import { defineKind } from "../define-kind.ts";
import { anything } from "../schema.ts";
import { envoyFilterSpec } from "./envoy-filter-spec.ts";
import { envoyFilterRules } from "./rules.ts";

export const envoyFilterKind = defineKind({
  kind: "EnvoyFilter",
  group: "networking.istio.io",
  versions: { served: ["v1alpha3"], storage: "v1alpha3" },
  plural: "envoyfilters",
  scope: "Namespaced",
  description: "Patches to the Envoy configuration that the mesh generates, for what no other kind can say.",
  fields: { spec: envoyFilterSpec, status: anything() },
  columns: [{ title: "Priority", path: "spec.priority" }],
  rules: [envoyFilterRules],
  admission: {
    spec: {
      rules: [
        atMostOne("only one of targetRefs or workloadSelector can be set", "targetRefs", "workloadSelector"),
      ],
    },
    ...selectorAdmission("spec.workloadSelector.labels"),
    ...targetAdmission("targetRefs"),
    "spec.configPatches": { maxItems: 8192 },
    "spec.configPatches[].match": {
      rules: [
        {
          rule: "has(self.context) && self.context == 'WAYPOINT' ? !has(self.listener) && !has(self.routeConfiguration) && !has(self.cluster) : !has(self.waypoint)",
          message: "only support waypointMatch when context is WAYPOINT",
        },
      ],
    },
  },
});

export type EnvoyFilter = ObjectOf<typeof envoyFilterKind>;
