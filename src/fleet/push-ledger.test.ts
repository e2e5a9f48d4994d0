import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ManualClock } from "../core/clock.ts";
import { type PushCause, PushLedger, type SessionPushes } from "./push-ledger.ts";

const CONFIG: PushCause = { trigger: "config" };

function ledgerOf({ capacity = 10 } = {}) {
  const clock = new ManualClock(1_000);
  const events: string[] = [];
  const settled: number[] = [];
  let cpuMs = 0;
  const ledger = new PushLedger({
    clock,
    capacity,
    cpuNowMs: () => cpuMs,
    events: {
      began: (trigger) => events.push(`began ${trigger}`),
      converged: (afterMs) => events.push(`converged ${afterMs}`),
      settled: ({ id }) => settled.push(id),
    },
  });
  const push = (cause: PushCause, ...sessions: SessionPushes[]) =>
    ledger.run(cause, () => {
      cpuMs += 2;
      for (const session of sessions) session.given();
    });
  return { clock, events, settled, ledger, push };
}

describe("PushLedger", () => {
  it("counts the proxies that were sent something, and when the last of them was in step", () => {
    const { clock, ledger, push, events } = ledgerOf();
    const [web, db, idle] = [ledger.follow(), ledger.follow(), ledger.follow()];
    push({ trigger: "config", sinceMs: 900 }, web, db, idle);
    for (const session of [web, db]) session.sent(100);
    web.sent(50);
    web.spent(0.5);
    clock.advance(20);
    web.inStep();
    idle.inStep();
    clock.advance(30);
    db.inStep();
    const [only] = ledger.newest(10);
    assert.deepEqual(only, {
      id: 1,
      cause: { trigger: "config", sinceMs: 900 },
      sinceMs: 900,
      proxyCount: 2,
      inStepCount: 2,
      leftCount: 0,
      responseCount: 3,
      refusedCount: 0,
      bytes: 250,
      cpuMs: 2.5,
      lastInStepMs: 1_050,
    });
    assert.deepEqual(events, ["began config", "converged 120", "converged 150"]);
  });

  it("keeps nothing of what gave nobody anything", () => {
    const { ledger, push, events } = ledgerOf();
    push(CONFIG);
    assert.deepEqual(ledger.newest(10), []);
    assert.deepEqual(events, []);
  });

  it("takes what is given outside of a push for none", () => {
    const { ledger } = ledgerOf();
    const session = ledger.follow();
    session.given();
    session.sent(10);
    session.inStep();
    assert.deepEqual(ledger.newest(10), []);
  });

  it("takes what a push leads to for the same push", () => {
    const { ledger, events } = ledgerOf();
    const session = ledger.follow();
    ledger.run(CONFIG, () => ledger.run({ trigger: "refusal" }, () => session.given()));
    assert.deepEqual(
      ledger.newest(10).map(({ cause }) => cause.trigger),
      ["config"],
    );
    assert.deepEqual(events, ["began config"]);
  });

  it("counts what goes out while several pushes are owed for the newest, and the proxy for all", () => {
    const { ledger, push } = ledgerOf();
    const session = ledger.follow();
    push(CONFIG, session);
    push({ trigger: "endpoint" }, session);
    session.sent(70);
    session.inStep();
    assert.deepEqual(
      ledger
        .newest(10)
        .map(({ cause, bytes, proxyCount, inStepCount }) => [
          ...[cause.trigger, bytes, proxyCount, inStepCount],
        ]),
      [
        ["endpoint", 70, 1, 1],
        ["config", 0, 1, 1],
      ],
    );
  });

  it("tells proxies that left or refused from those that are awaited", () => {
    const { ledger, push } = ledgerOf();
    const [left, refusing, silent] = [ledger.follow(), ledger.follow(), ledger.follow()];
    push(CONFIG, left, refusing, silent);
    for (const session of [left, refusing, silent]) session.sent(1);
    refusing.refused();
    refusing.inStep();
    left.left();
    const [only] = ledger.newest(1);
    assert.deepEqual([only?.proxyCount, only?.inStepCount, only?.leftCount], [3, 1, 1]);
    assert.equal(only?.refusedCount, 1);
  });

  it("keeps the newest, and lists them newest first", () => {
    const { ledger, push } = ledgerOf({ capacity: 3 });
    const session = ledger.follow();
    for (let count = 0; count < 8; count += 1) push(CONFIG, session);
    const ids = (limit: number) => ledger.newest(limit).map(({ id }) => id);
    assert.deepEqual(ids(10), [8, 7, 6]);
    assert.deepEqual(ids(2), [8, 7]);
  });

  it("gives up the oldest pushes of a proxy that never answers", () => {
    const { ledger, push } = ledgerOf({ capacity: 100 });
    const session = ledger.follow();
    for (let count = 0; count < 70; count += 1) {
      push(CONFIG, session);
      session.sent(1);
    }
    session.inStep();
    const inStep = ledger.newest(100).map(({ inStepCount }) => inStepCount);
    assert.deepEqual(inStep.slice(0, 64), Array(64).fill(1));
    assert.deepEqual(inStep.slice(64), Array(6).fill(0));
  });

  it("tells of a push once nobody owes an answer to it, and of none that sent nothing", () => {
    const { ledger, push, settled } = ledgerOf();
    const [web, db] = [ledger.follow(), ledger.follow()];
    push(CONFIG, web, db);
    web.sent(1);
    web.inStep();
    db.sent(1);
    push(CONFIG, web, db);
    assert.deepEqual(settled, []);
    db.sent(1);
    web.inStep();
    db.inStep();
    assert.deepEqual(settled, [1, 2]);
    push(CONFIG, web);
    web.sent(1);
    web.left();
    push(CONFIG, db);
    db.inStep();
    assert.deepEqual(settled, [1, 2, 3]);
  });
});
