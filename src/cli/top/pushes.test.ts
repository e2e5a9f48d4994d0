import assert from "node:assert/strict";
import { test } from "node:test";
import type { PushReport } from "../../admin/contract/control-plane.ts";
import { pushTable } from "./pushes.ts";

const push: PushReport = {
  id: 7,
  at: "2026-11-30T12:00:00.000Z",
  trigger: "config",
  causes: [{ what: "VirtualService shop/reviews", revision: "12", location: "shop.yaml:4" }],
  causeCount: 1,
  proxyCount: 3,
  inStepCount: 3,
  leftCount: 0,
  responseCount: 6,
  refusedCount: 0,
  bytes: 12_300,
  cpuMs: 4.25,
  inStepAfterMs: 81,
};
const NOW_MS = Date.parse(push.at) + 42_000;

const lines = (...pushes: PushReport[]) => pushTable(pushes, NOW_MS).trimEnd().split("\n");

test("pushTable() says why, how many have it how soon, and what it cost", () => {
  assert.deepEqual(lines(push), [
    "AGE   CAUSE                                       PROXIES   IN STEP   AFTER   RESPONSES   BYTES     CPU",
    "42s   VirtualService shop/reviews (shop.yaml:4)   3         3         81 ms   6           12.3 kB   4.3 ms",
  ]);
});

test("pushTable() tells proxies that are awaited from those that have gone, and shows refusals", () => {
  const { inStepAfterMs: _, ...unanswered } = push;
  const [, line = ""] = lines({ ...unanswered, inStepCount: 0, leftCount: 1, refusedCount: 2 });
  assert.match(line, / 3 +0 \(2 awaited, 1 gone\) +- +6 \(2 refused\) /);
});

test("pushTable() counts objects beyond the first, names the replica, and says what no object caused", () => {
  const [titles = "", several = "", none = ""] = lines(
    { ...push, causeCount: 3, controlPlane: "meltemi-1" },
    { ...push, trigger: "issuer-keys", causes: [], causeCount: 0, controlPlane: "meltemi-2" },
  );
  assert.match(titles, /CONTROL PLANE$/);
  assert.match(several, /reviews \(shop.yaml:4\) and 2 more .* meltemi-1$/);
  assert.match(none, /^42s +issuer-keys .* meltemi-2$/);
});

test("pushTable() says that there was none", () => {
  assert.equal(pushTable([], NOW_MS), "Nothing was pushed yet\n");
});
