import assert from "node:assert/strict";
import { test } from "node:test";
import { inputsOf, policyInputs } from "../../../tests/support/authorization-fixture.ts";
import { MAX_CONNECTION_PROVIDERS } from "../../core/connection-providers.ts";
import { RBAC_Action } from "../../gen/envoy/config/rbac/v3/rbac_pb.ts";
import { RBACSchema } from "../../gen/envoy/extensions/filters/network/rbac/v3/rbac_pb.ts";
import type { AuthorizationInputs } from "../../view/authorization-inputs.ts";
import { messageIn } from "../encode.ts";
import type { PackedMessage } from "../message-encoder.ts";
import { networkSlotName, severalProviderSlots } from "../policy-slot/network-slot.ts";
import { networkSlotsOf } from "../slot-order.ts";
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
  const all = [...HTTP_SLOTS, ...networkSlotsOf("AuthorizationPolicy").map(networkSlotName)];
  for (const inputs of [inputsOf([]), inputsOf([policyInputs()]), asked("a"), asked("a", "b")]) {
    assert.deepEqual(
      buildAuthorizationSlots(inputs).map(({ name }) => name),
      all,
    );
  }
});

test("buildAuthorizationSlots() refuses connections that more providers would be asked about than a listener has slots", () => {
  for (const [inputs, slot, names] of [
    [asked("a", "b"), "custom-authorization-rules", ["a", "b"]],
    [asked("a", "b", "c", "d", "e"), "custom-authorization-rules-1", ["a", "b", "c", "d", "e"]],
  ] as const) {
    const { rules, shadowRules } = messageIn(RBACSchema, configOf(inputs, networkSlotName(slot)));
    assert.deepEqual([rules?.action, shadowRules], [RBAC_Action.DENY, undefined]);
    assert.deepEqual(policyNames(rules), names);
  }
});

test("buildAuthorizationSlots() has each of several providers asked in slots of its own", () => {
  const inputs = asked("a", "b", "c");
  const found = [1, 2, 3, 4].map((at) => {
    const rules = configOf(inputs, `meltemi.network.custom-authorization-rules-${at}`);
    const provider = configOf(inputs, `meltemi.network.custom-authorization-${at}`);
    return [rules, provider]
      .map((each) => (each as PackedMessage | undefined)?.packed.schema.typeName.split(".").at(-1))
      .join();
  });
  assert.deepEqual(found, ["RBAC,ExtAuthz", "RBAC,ExtAuthz", "RBAC,ExtAuthz", "Config,Config"]);
  for (const [at, name] of ["a", "b", "c"].entries()) {
    const slot = `meltemi.network.custom-authorization-rules-${at + 1}`;
    const { rules, shadowRules } = messageIn(RBACSchema, configOf(inputs, slot));
    assert.deepEqual([rules, policyNames(shadowRules)], [undefined, [name]]);
  }
  const sole = messageIn(RBACSchema, configOf(asked("a"), networkSlotName("custom-authorization-rules")));
  assert.deepEqual([sole.rules, policyNames(sole.shadowRules)], [undefined, ["a"]]);
});

test("there are slots for as many providers as a connection can be asked about", () => {
  assert.equal(severalProviderSlots.length, MAX_CONNECTION_PROVIDERS);
});

function policyNames(rules: { readonly policies?: object } | undefined): readonly (string | undefined)[] {
  return Object.keys(rules?.policies ?? {}).map((name) => /policy\[(\w+)\]/.exec(name)?.[1]);
}
