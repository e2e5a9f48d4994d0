// The schema of the spec of kind EnvoyFilter, and the types that follow from it.

import { policyTargetReference } from "../policy-target.ts";
import type { TypeOf } from "../schema.ts";
import { choice, int32, list, message, struct } from "../schema.ts";
import { labelsSelector } from "../workload-selector.ts";
import { configurationMatch } from "./configuration-match.ts";

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

export type EnvoyFilterSpec = TypeOf<typeof envoyFilterSpec>;
export type ConfigurationObjectPatch = TypeOf<typeof configurationObjectPatch>;
