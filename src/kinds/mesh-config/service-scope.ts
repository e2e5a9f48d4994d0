// Which namespaces and services a mesh setting is about.

import type { TypeOf } from "../schema.ts";
import { choice, flag, list, map, message, text } from "../schema.ts";

/** `MeshConfig.ServiceSettings.Settings` */
export const serviceSettingsSettings = message({
  clusterLocal: flag(),
});

/** `MeshConfig.ServiceSettings` */
export const serviceSettings = message({
  settings: serviceSettingsSettings,
  hosts: list(text()),
});

/** `LabelSelectorRequirement` */
export const meshLabelSelectorRequirement = message({
  key: text(),
  operator: text(),
  values: list(text()),
});

/** `LabelSelector` */
export const meshLabelSelector = message({
  matchLabels: map(text()),
  matchExpressions: list(meshLabelSelectorRequirement),
});

/** `MeshConfig.ServiceScopeConfigs.Scope` */
export const serviceScopeConfigsScope = choice("LOCAL", "GLOBAL");

/** `MeshConfig.ServiceScopeConfigs` */
export const serviceScopeConfigs = message({
  namespaceSelector: meshLabelSelector,
  servicesSelector: meshLabelSelector,
  scope: serviceScopeConfigsScope,
});

/** `ServiceEntryVisibility.Visibility` */
export const visibility = choice("VISIBILITY_UNSPECIFIED", "NONE", "NAMESPACE", "PUBLIC");

/** `ServiceEntryVisibility.MatchRule` */
export const visibilityMatchRule = message({
  namespaceSelector: meshLabelSelector,
});

/** `ServiceEntryVisibility.Policy` */
export const visibilityPolicy = message({
  visibility: visibility,
  matchingRules: list(visibilityMatchRule),
});

/** `ServiceEntryVisibility` */
export const serviceEntryVisibility = message({
  defaultVisibility: visibility,
  applyToSidecars: flag(),
  policies: list(visibilityPolicy),
});

export type ServiceSettingsSettings = TypeOf<typeof serviceSettingsSettings>;
export type ServiceSettings = TypeOf<typeof serviceSettings>;
export type MeshLabelSelectorRequirement = TypeOf<typeof meshLabelSelectorRequirement>;
export type MeshLabelSelector = TypeOf<typeof meshLabelSelector>;
export type ServiceScopeConfigsScope = TypeOf<typeof serviceScopeConfigsScope>;
export type ServiceScopeConfigs = TypeOf<typeof serviceScopeConfigs>;
export type Visibility = TypeOf<typeof visibility>;
export type VisibilityMatchRule = TypeOf<typeof visibilityMatchRule>;
export type VisibilityPolicy = TypeOf<typeof visibilityPolicy>;
export type ServiceEntryVisibility = TypeOf<typeof serviceEntryVisibility>;
