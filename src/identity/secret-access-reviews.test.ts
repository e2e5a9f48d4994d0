import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ManualClock } from "../core/clock.ts";
import { silentLogger } from "../core/logger.ts";
import { type AccessVerdict, createSecretAccessReviews } from "./secret-access-reviews.ts";

const EDGE = { namespace: "infra", serviceAccount: "edge" };
const MINUTE_MS = 60_000;

/** An API server that answers when it is told to. */
function server() {
  const clock = new ManualClock(1_000_000);
  const pending: { resolve(verdict: AccessVerdict): void; reject(error: Error): void }[] = [];
  const told: string[] = [];
  const state = { isWanted: true, askedCount: 0 };
  const reviews = createSecretAccessReviews({
    review: () => {
      state.askedCount += 1;
      return new Promise((resolve, reject) => pending.push({ resolve, reject }));
    },
    isWanted: () => state.isWanted,
    onVerdict: ({ serviceAccount }, verdict) => told.push(`${serviceAccount} ${verdict}`),
    clock,
    random: () => 0.5,
    log: silentLogger,
  });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const answer = async (verdict: AccessVerdict | Error) => {
    const next = pending.shift();
    assert.ok(next !== undefined, "nothing was asked");
    if (verdict instanceof Error) next.reject(verdict);
    else next.resolve(verdict);
    await settle();
  };
  return { clock, reviews, told, state, answer };
}

describe("createSecretAccessReviews()", () => {
  test("asks once however many proxies want it, and says nothing before the answer", async () => {
    const { reviews, told, state, answer } = server();
    reviews.want(EDGE);
    reviews.want(EDGE);
    assert.equal(state.askedCount, 1);
    assert.deepEqual(told, []);
    await answer("allowed");
    assert.deepEqual(told, ["edge allowed"]);
  });

  test("misses a right that has gone, and one that has come, within a minute", async () => {
    const { clock, reviews, told, answer } = server();
    reviews.want(EDGE);
    await answer("allowed");
    clock.advance(MINUTE_MS);
    await answer("denied");
    clock.advance(MINUTE_MS);
    await answer("allowed");
    assert.deepEqual(told, ["edge allowed", "edge denied", "edge allowed"]);
  });

  test("keeps the last answer for ten minutes where the server can't be asked", async () => {
    const { clock, reviews, told, answer } = server();
    reviews.want(EDGE);
    await answer("allowed");
    for (let minute = 0; minute < 9; minute++) {
      clock.advance(MINUTE_MS);
      await answer(new Error("no answer"));
    }
    assert.deepEqual(told, ["edge allowed"]);
    for (let minute = 0; minute < 3; minute++) {
      clock.advance(MINUTE_MS);
      await answer(new Error("no answer"));
    }
    assert.deepEqual(told, ["edge allowed", "edge undefined"]);
    clock.advance(MINUTE_MS);
    await answer("allowed");
    assert.deepEqual(told, ["edge allowed", "edge undefined", "edge allowed"]);
  });

  test("forgets an account that no proxy wants it for, and asks anew for the next", async () => {
    const { clock, reviews, told, state, answer } = server();
    reviews.want(EDGE);
    await answer("allowed");
    state.isWanted = false;
    clock.advance(MINUTE_MS);
    assert.deepEqual(told, ["edge allowed", "edge undefined"]);
    assert.equal(state.askedCount, 1);
    reviews.want(EDGE);
    assert.equal(state.askedCount, 2);
  });

  test("asks for at most sixteen at once, and for all in the end", async () => {
    const { reviews, told, state, answer } = server();
    for (let at = 0; at < 40; at++) reviews.want({ namespace: "infra", serviceAccount: `edge-${at}` });
    assert.equal(state.askedCount, 16);
    for (let at = 0; at < 40; at++) await answer("denied");
    assert.equal(told.length, 40);
  });

  test("asks no more when it is closed", async () => {
    const { clock, reviews, state, answer } = server();
    reviews.want(EDGE);
    await answer("allowed");
    reviews.close();
    clock.advance(10 * MINUTE_MS);
    assert.equal(state.askedCount, 1);
  });
});
