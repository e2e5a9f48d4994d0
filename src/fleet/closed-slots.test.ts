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
import { type BuiltResource, buildResource } from "./built-resource.ts";
import { closedSlot, isAsStrict } from "./closed-slots.ts";

const [first] = httpPolicySlots.map(httpSlotName);
const slot = first ?? "";
const policy = (name: string) => ({
  object: objectKey({ kind: "AuthorizationPolicy", namespace: "shop", name }),
});
const resource = (name: string): BuiltResource => ({
  name,
  version: "1",
  body: [],
  needs: [],
  provenance: [],
});
const textOf = ({ body }: Resource) => Buffer.concat([...body]).toString("latin1");

test("closedSlot() denies everybody, and names the policy at fault", () => {
  const closed = closedSlot(resource(slot), { inUse: "nothing", blamed: [policy("one")] });
  assert.ok(closed);
  assert.match(textOf(closed.resource), /refused-shop-one/);
});

for (const [what, blamed] of [
  ["nobody knows which policy is at fault", []],
  ["several policies may be", [policy("one"), policy("two")]],
] as const) {
  test(`closedSlot() names the slot where ${what}`, () => {
    const closed = closedSlot(resource(slot), { inUse: "nothing", blamed });
    assert.ok(closed && textOf(closed.resource).includes(`refused-${slot}`));
  });
}

test("closedSlot() closes nothing that is no policy's slot, and none whose older version will do", () => {
  const blamed = [policy("one")];
  assert.equal(closedSlot(resource("an extension"), { inUse: "nothing", blamed }), undefined);
  assert.equal(closedSlot(resource(slot), { inUse: "unknown", blamed }), undefined);
  assert.ok(closedSlot(resource(slot), { inUse: "nothing", blamed }));
});

test("closedSlot() closes again a slot that is closed", () => {
  const blamed = [policy("a")];
  const refused = built({ name: "a", ...deny });
  const closed = closedSlot(refused, { inUse: "nothing", blamed });
  assert.ok(closed);
  assert.ok(closedSlot(refused, { inUse: closed.resource, blamed }));
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
