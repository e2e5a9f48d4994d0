import assert from "node:assert/strict";
import { test } from "node:test";
import { inputsOf, policyInputs } from "../../../tests/support/authorization-fixture.ts";
import { RBAC_Action } from "../../gen/envoy/config/rbac/v3/rbac_pb.ts";
import { RBACSchema } from "../../gen/envoy/extensions/filters/network/rbac/v3/rbac_pb.ts";
import type { AuthorizationInputs } from "../../view/authorization-inputs.ts";
import { messageIn } from "../encode.ts";
import { networkPolicySlots, networkSlotName } from "../policy-slot/network-slot.ts";
import { buildAuthorizationSlots } from "./policy-slots.ts";

const HTTP_SLOTS = ["meltemi.http.custom-authorization", "meltemi.http.authorization"];

function asked(...names: readonly string[]): AuthorizationInputs {
  const server = { hostname: "asked.shop", cluster: "outbound|9000||asked.shop" };
  const provider = { kind: "grpc", settings: { port: 9000 }, server } as const;
  const policies = names.map((name) => policyInputs({ name, action: "CUSTOM", provider: name }));
  return inputsOf(policies, { providers: Object.fromEntries(names.map((name) => [name, provider])) });
}

function configOf(inputs: AuthorizationInputs, slot: string) {
  return buildAuthorizationSlots(inputs).find(({ name }) => name === slot)?.typedConfig;
}

test("buildAuthorizationSlots() fills every slot, whatever policies there are", () => {
  const all = [...HTTP_SLOTS, ...networkPolicySlots.map(networkSlotName)];
  for (const inputs of [inputsOf([]), inputsOf([policyInputs()]), asked("a"), asked("a", "b")]) {
    assert.deepEqual(
      buildAuthorizationSlots(inputs).map(({ name }) => name),
      all,
    );
  }
});

test("buildAuthorizationSlots() refuses connections that several providers would be asked about", () => {
  const slot = networkSlotName("custom-authorization-rules");
  const one = messageIn(RBACSchema, configOf(asked("a"), slot));
  assert.deepEqual([one.rules, one.shadowRules !== undefined], [undefined, true]);
  const { rules, shadowRules } = messageIn(RBACSchema, configOf(asked("a", "b"), slot));
  assert.deepEqual([rules?.action, shadowRules], [RBAC_Action.DENY, undefined]);
  assert.deepEqual(
    Object.keys(rules?.policies ?? {}).map((name) => /policy\[(\w+)\]/.exec(name)?.[1]),
    ["a", "b"],
  );
});
