import assert from "node:assert/strict";
import { test } from "node:test";
import { objectKey } from "../core/object-key.ts";
import { httpSlotName } from "../envoy/policy-slot/http-slot.ts";
import { httpPolicySlots } from "../envoy/slot-order.ts";
import type { Resource } from "../xds/resource.ts";
import { ClosedSlots } from "./closed-slots.ts";

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
