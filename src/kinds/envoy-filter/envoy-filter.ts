// EnvoyFilter: patches to the generated Envoy configuration, for what no other kind can say.

import { atMostOne, selectorAdmission, targetAdmission } from "../admission.ts";
import type { ObjectOf } from "../define-kind.ts";
import { defineKind } from "../define-kind.ts";
import { policyTargetReference } from "../policy-target.ts";
import type { TypeOf } from "../schema.ts";
import { anything, choice, int32, list, message, struct } from "../schema.ts";
import { labelsSelector } from "../workload-selector.ts";
import { configurationMatch } from "./configuration-match.ts";
import { envoyFilterRules } from "./rules.ts";

/** `EnvoyFilter.ApplyTo` */
export const applyTo = choice(
  "INVALID",
  "LISTENER",
  "FILTER_CHAIN",
  "NETWORK_FILTER",
  "HTTP_FILTER",
  "ROUTE_CONFIGURATION",
  "VIRTUAL_HOST",
  "HTTP_ROUTE",
  "CLUSTER",
  "EXTENSION_CONFIG",
  "BOOTSTRAP",
  "LISTENER_FILTER",
);

/** `EnvoyFilter.Patch` */
export const configurationPatch = message({
  operation: choice(
    "INVALID",
    "MERGE",
    "ADD",
    "REMOVE",
    "INSERT_BEFORE",
    "INSERT_AFTER",
    "INSERT_FIRST",
    "REPLACE",
    "MERGE_AND_REPLACE_LIST",
  ),
  value: struct(),
  filterClass: choice("UNSPECIFIED", "AUTHN", "AUTHZ", "STATS"),
});

/** `EnvoyFilter.EnvoyConfigObjectPatch` */
export const configurationObjectPatch = message({
  applyTo,
  match: configurationMatch,
  patch: configurationPatch,
});

export const envoyFilterSpec = message({
  workloadSelector: labelsSelector,
  targetRefs: list(policyTargetReference),
  configPatches: list(configurationObjectPatch),
  priority: int32(),
});

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
export type EnvoyFilterSpec = TypeOf<typeof envoyFilterSpec>;
export type ConfigurationObjectPatch = TypeOf<typeof configurationObjectPatch>;
