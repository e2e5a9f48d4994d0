import assert from "node:assert/strict";
import { test } from "node:test";
import { SessionLedger } from "./session-ledger.ts";

test("SessionLedger knows a type of which nothing was sent from one that is in step", () => {
  const ledger = new SessionLedger();
  assert.equal(ledger.stateOf("cluster"), "not-sent");
  ledger.sent("cluster", "1");
  assert.equal(ledger.stateOf("cluster"), "stale");
  ledger.acknowledged("cluster", "1");
  assert.equal(ledger.stateOf("cluster"), "synced");
  assert.equal(ledger.stateOf("listener"), "not-sent");
});

test("SessionLedger stays behind until the newest response is acknowledged", () => {
  const ledger = new SessionLedger();
  ledger.sent("route", "1");
  ledger.sent("route", "2");
  ledger.acknowledged("route", "1");
  assert.equal(ledger.stateOf("route"), "stale");
  assert.deepEqual(ledger.noncesOf("route"), { sent: "2", acknowledged: "1" });
  ledger.acknowledged("route", "2");
  assert.equal(ledger.stateOf("route"), "synced");
});

test("SessionLedger lists a rejection until a response of its type is acknowledged", () => {
  const ledger = new SessionLedger();
  ledger.sent("listener", "1");
  ledger.sent("route", "2");
  ledger.acknowledged("listener", "1");
  ledger.rejected("listener", "no such filter");
  assert.equal(ledger.stateOf("listener"), "stale", "what it acknowledged before doesn't count");
  ledger.acknowledged("route", "2");
  assert.deepEqual(ledger.rejections(), [{ type: "listener", detail: "no such filter" }]);
  ledger.sent("listener", "3");
  ledger.acknowledged("listener", "3");
  assert.deepEqual(ledger.rejections(), []);
});

test("SessionLedger takes no word of a type of which nothing was sent", () => {
  const ledger = new SessionLedger();
  ledger.acknowledged("secret", "1");
  ledger.rejected("secret", "bad");
  assert.equal(ledger.stateOf("secret"), "not-sent");
  assert.deepEqual(ledger.rejections(), []);
  assert.deepEqual(ledger.noncesOf("secret"), { sent: "", acknowledged: "" });
});
