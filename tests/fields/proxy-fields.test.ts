// Proves claims: each field that is said to have an effect on proxies is set to other values, and what some proxy is
// sent changes; each value of an enum gives bytes of its own, unless it means the same as another. A field that is listed
// as without effect changes nothing, and who sets it is warned.

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { claimsOfCode } from "../../tools/claim-registry.ts";
import {
  clusterRoleBindingSettings,
  clusterRoleSettings,
  roleBindingSettings,
  roleSettings,
} from "./access-settings.ts";
import { destinationRuleSettings } from "./destination-rule-settings.ts";
import { endpointSliceSettings, gatewayPodSettings } from "./endpoint-settings.ts";
import { gatewaySettings, serviceEntrySettings } from "./gateway-settings.ts";
import { meshConfigSettings, peerAuthenticationSettings } from "./mesh-config-settings.ts";
import { meshScene } from "./mesh-scene.ts";
import { authorizationPolicySettings, requestAuthenticationSettings } from "./policy-settings.ts";
import { serviceSettings, workloadGroupSettings } from "./service-settings.ts";
import { telemetrySettings } from "./telemetry-settings.ts";
import {
  assertEffect,
  assertValueWarned,
  assertWarned,
  kindOfField,
  withoutEffect,
  withoutEffectByValue,
} from "./toggle-fields.ts";
import { virtualServiceSettings } from "./virtual-service-settings.ts";

const settings = [
  virtualServiceSettings,
  destinationRuleSettings,
  gatewaySettings,
  serviceEntrySettings,
  peerAuthenticationSettings,
  authorizationPolicySettings,
  requestAuthenticationSettings,
  telemetrySettings,
  meshConfigSettings,
  serviceSettings,
  endpointSliceSettings,
  gatewayPodSettings,
  workloadGroupSettings,
  roleSettings,
  clusterRoleSettings,
  roleBindingSettings,
  clusterRoleBindingSettings,
];
const claimed = [...new Set(Object.values(claimsOfCode).flat().map(String))];

for (const kind of settings) {
  describe(kind.kind, () => {
    const stage = meshScene();
    after(() => stage.close());
    for (const field of claimed.filter((each) => kindOfField(each) === kind.kind))
      test(`${field} has an effect`, () => assertEffect(field, kind, stage));
    // What has no effect in a pod has none on one machine: in a cluster kubelet sees to it.
    for (const field of kind.kind === "Pod" ? [] : withoutEffect(kind.kind))
      test(`${field} has none, and a warning says so`, () => assertWarned(field, kind, stage));
    for (const field of withoutEffectByValue(kind.kind)) {
      const { pattern, onlyValue } = field;
      test(`${kind.kind}.${pattern}: ${onlyValue} has a warning`, () => assertValueWarned(field, kind));
    }
  });
}

test("every kind with claims is toggled", () => {
  const toggled = settings.map(({ kind }) => kind);
  assert.deepEqual([...new Set(claimed.map(kindOfField))].sort(), toggled.sort());
});
