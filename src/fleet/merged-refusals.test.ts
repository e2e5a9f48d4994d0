import assert from "node:assert/strict";
import { test } from "node:test";
import { objectKey } from "../core/object-key.ts";
import type { FleetSession } from "./fleet-session.ts";
import { mergeRefusals } from "./merged-refusals.ts";
import type { SessionRefusal } from "./session-refusals.ts";

const session = (nodeId: string) => ({ nodeId }) as FleetSession;
const [first, second] = [session("first"), session("second")] as const;
const provenance = [{ object: objectKey({ kind: "VirtualService", namespace: "shop", name: "reviews" }) }];
const refusal = { type: "route", name: "80", detail: "bad regex", provenance } as unknown as SessionRefusal;

function nodesOf(found: readonly (readonly [SessionRefusal, FleetSession])[]) {
  const merged = mergeRefusals(found.map(([refusal, session]) => ({ refusal, session })));
  return merged.map(({ sessions }) => sessions.map(({ nodeId }) => nodeId));
}

test("mergeRefusals() tells what several proxies refuse for one reason once, first whoever came first", () => {
  assert.deepEqual(
    nodesOf([
      [refusal, second],
      [{ ...refusal }, first],
      [refusal, second],
    ]),
    [["second", "first"]],
  );
});

for (const [what, other] of Object.entries({
  type: { ...refusal, type: "listener" },
  name: { ...refusal, name: "9080" },
  reason: { ...refusal, detail: "no such cluster" },
  object: { ...refusal, provenance: [] },
}) as [string, SessionRefusal][]) {
  test(`mergeRefusals() keeps refusals apart that differ in ${what}`, () => {
    const found = [
      [refusal, first],
      [other, first],
    ] as const;
    assert.deepEqual(nodesOf(found), [["first"], ["first"]]);
    const keys = mergeRefusals(found.map(([each]) => ({ refusal: each, session: first }))).map(
      ({ key }) => key,
    );
    assert.equal(new Set(keys).size, 2);
  });
}
