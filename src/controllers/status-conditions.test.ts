import assert from "node:assert/strict";
import { test } from "node:test";
import { objectKey } from "../core/object-key.ts";
import { problem } from "../core/problem.ts";
import { conditionsOf, type ObjectFacts, sameConditions } from "./status-conditions.ts";

const now = new Date("2026-11-22T07:00:00.123Z");

function conditions(changes: Partial<ObjectFacts>, before: ReturnType<typeof conditionsOf> = []) {
  const none = { problems: [], proxyCount: 42, acknowledgedCount: 42, refusedCount: 0, reasons: "" };
  return conditionsOf({ isInForce: true, ...none, ...changes, generation: 3 }, { before, now });
}

function wordsOf(changes: Partial<ObjectFacts>): string[] {
  return conditions(changes).map(({ type, status, reason, message }) =>
    [type, status, reason, message].join(" ").trim(),
  );
}

const found = problem("MLT2001", {
  object: objectKey({ kind: "VirtualService", namespace: "shop", name: "reviews" }),
  path: "spec.http[0]",
  message: 'there is no host "ratings"',
});
const foundText =
  'error MLT2001 (IST0101) VirtualService shop/reviews spec.http[0]: there is no host "ratings"';

for (const { name, facts, wanted } of [
  {
    name: "all have it",
    facts: {},
    wanted: ["Accepted True Accepted", "Programmed True Programmed all proxies have it"],
  },
  {
    name: "one is awaited",
    facts: { acknowledgedCount: 41 },
    wanted: ["Accepted True Accepted", "Programmed False Pending 41 of 42 proxies"],
  },
  {
    name: "one refuses it",
    facts: { acknowledgedCount: 41, refusedCount: 1, reasons: 'refused by a.shop: route "80": bad' },
    wanted: [
      "Accepted True Accepted",
      'Programmed False Refused 41 of 42 proxies have it; refused by a.shop: route "80": bad',
    ],
  },
  {
    name: "nobody is concerned",
    facts: { proxyCount: 0, acknowledgedCount: 0 },
    wanted: ["Accepted True Accepted", "Programmed True NoProxies no proxy is concerned"],
  },
  {
    name: "it isn't accepted",
    facts: { isInForce: false, problems: [found] },
    wanted: [
      `Accepted False Invalid ${foundText}`,
      "Programmed False NotAccepted what is wrong must be mended",
    ],
  },
  {
    name: "a part of it is not in force",
    facts: { problems: [found] },
    wanted: [`Accepted True PartlyInForce ${foundText}`, "Programmed True Programmed all proxies have it"],
  },
]) {
  test(`conditionsOf() where ${name}`, () => {
    const words = wordsOf(facts);
    assert.deepEqual(words.slice(0, 2), wanted);
    assert.equal(words[2], wanted[1]?.replace("Programmed", "Reconciled"), "Istio's word for it");
  });
}

test("conditionsOf() takes nothing back for a proxy that has yet to answer, unless the object is another", () => {
  const before = conditions({});
  assert.ok(sameConditions(before, conditions({ proxyCount: 43 }, before)));
  const nobody = conditions({ proxyCount: 0, acknowledgedCount: 0 });
  assert.equal(conditions({ acknowledgedCount: 0 }, nobody)[1]?.reason, "NoProxies");
  const older = before.map((each) => ({ ...each, observedGeneration: "2" }));
  assert.equal(conditions({ proxyCount: 43 }, older)[1]?.reason, "Pending");
  assert.equal(conditions({ refusedCount: 1 }, before)[1]?.reason, "Refused");
});

test("conditionsOf() says the same of any number of proxies that have it", () => {
  assert.ok(sameConditions(conditions({}), conditions({ proxyCount: 7, acknowledgedCount: 7 })));
});

test("conditionsOf() keeps the time of a status that stays", () => {
  const before = conditions({}).map((each) => ({ ...each, lastTransitionTime: "2026-01-01T00:00:00Z" }));
  const times = conditions({ acknowledgedCount: 41, refusedCount: 1 }, before).map(
    (each) => each.lastTransitionTime,
  );
  assert.deepEqual(times, ["2026-01-01T00:00:00Z", "2026-11-22T07:00:00Z", "2026-11-22T07:00:00Z"]);
});

test("sameConditions() looks at all but the time", () => {
  const one = conditions({});
  assert.ok(sameConditions([...one, { type: "Mine", status: "True", reason: "", message: "" }], one));
  assert.ok(!sameConditions(one, conditions({ acknowledgedCount: 1 })));
  assert.ok(!sameConditions([], one));
});
