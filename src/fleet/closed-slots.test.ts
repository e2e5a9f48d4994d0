import assert from "node:assert/strict";
import { test } from "node:test";
import { inputsOf, policyInputs } from "../../tests/support/authorization-fixture.ts";
import { objectKey } from "../core/object-key.ts";
import { buildAuthorizationSlots } from "../envoy/authorization/policy-slots.ts";
import { httpSlotName } from "../envoy/policy-slot/http-slot.ts";
import { httpPolicySlots } from "../envoy/slot-order.ts";
import { TypedExtensionConfigSchema } from "../gen/envoy/config/core/v3/extension_pb.ts";
import type { AuthorizationPolicyInputs } from "../view/authorization-inputs.ts";
import type { Resource } from "../xds/resource.ts";
import { buildResource } from "./built-resource.ts";
import { ClosedSlots, isAsStrict } from "./closed-slots.ts";

const [first, second] = httpPolicySlots.map(httpSlotName);
const slot = first ?? "";
const policy = (name: string) => ({
  object: objectKey({ kind: "AuthorizationPolicy", namespace: "shop", name }),
});
const resource = (name: string, version: string): Resource => ({ name, version, body: [], needs: [] });
const textOf = ({ body }: Resource) => Buffer.concat([...body]).toString("latin1");

test("ClosedSlots gives a proxy a slot that denies everybody, as long as the refused version is the newest", () => {
  const slots = new ClosedSlots();
  slots.close(resource(slot, "1"), [policy("one")]);
  assert.equal(slots.isEmpty, false);
  const standIn = slots.standIns(() => resource(slot, "1")).get(slot);
  assert.ok(standIn);
  assert.match(textOf(standIn), /refused-shop-one/);
  assert.equal(slots.isStandIn(standIn), true);
  assert.equal(slots.isStandIn(resource(slot, "1")), false);
  assert.equal(slots.standIns(() => resource(slot, "2")).size, 0);
  assert.equal(slots.isEmpty, true);
  assert.equal(slots.isStandIn(standIn), false);
});

test("ClosedSlots opens a slot that is no more, and leaves the others closed", () => {
  const slots = new ClosedSlots();
  for (const name of [slot, second ?? ""]) slots.close(resource(name, "1"), []);
  const left = slots.standIns((name) => (name === second ? resource(name, "1") : undefined));
  assert.deepEqual([...left.keys()], [second]);
});

for (const [what, blamed] of [
  ["nobody knows which policy is at fault", []],
  ["several policies may be", [policy("one"), policy("two")]],
] as const) {
  test(`ClosedSlots names the slot where ${what}`, () => {
    const slots = new ClosedSlots();
    slots.close(resource(slot, "1"), blamed);
    const standIn = slots.standIns(() => resource(slot, "1")).get(slot);
    assert.ok(standIn && textOf(standIn).includes(`refused-${slot}`));
  });
}

test("ClosedSlots closes nothing that is no policy's slot", () => {
  const slots = new ClosedSlots();
  slots.close(resource("an extension", "1"), [policy("one")]);
  assert.equal(slots.isEmpty, true);
});

/** The slot for requests of these policies. */
function built(...policies: readonly (Partial<AuthorizationPolicyInputs> & { readonly name: string })[]) {
  const name = httpSlotName("authorization");
  const message = buildAuthorizationSlots(inputsOf(policies.map(policyInputs))).find(
    (each) => each.name === name,
  );
  assert.ok(message);
  const provenance = policies.map((each) => policy(each.name));
  return buildResource(TypedExtensionConfigSchema, message, { name, provenance });
}

const get = { rules: [{ to: [{ operation: { methods: ["GET"] } }] }] };
const deny = { action: "DENY", ...get } as const;

for (const [what, refused, inUse, expected] of [
  ["nothing is known of what is in use", built({ name: "a", ...deny }), "unknown", true],
  ["nothing is in use", built({ name: "a", ...deny }), "nothing", false],
  ["an empty slot is in use", built({ name: "a", ...deny }), built(), false],
  ["an older version is in use", built({ name: "a", ...deny }), built({ name: "a", ...get }), true],
  ["another policy is in use", built({ name: "a", ...deny }, { name: "b" }), built({ name: "b" }), false],
  ["the new one logs", built({ name: "a", ...deny, action: "AUDIT" }), built(), true],
  ["the new one is a dry run", built({ name: "a", ...deny, isDryRun: true }), built(), true],
  [
    "the one in use was a dry run",
    built({ name: "a", ...deny }),
    built({ name: "a", isDryRun: true }),
    false,
  ],
  // Its slot is another.
  ["the one in use asked a provider", built({ name: "a" }), built({ name: "a", action: "CUSTOM" }), false],
] as const) {
  test(`isAsStrict() is ${expected} where ${what}`, () => {
    assert.equal(isAsStrict(refused, inUse), expected);
  });
}
